//! The cache as its users see it, on a clock that is paused: no test sleeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod faults;
mod observed;
mod persistence;
mod properties;
mod rules;
mod script;
mod stale;
