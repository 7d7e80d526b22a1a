//! The control plane as its clients see it: REST on one side, a proxy's discovery stream on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod programmed;
mod returns;
mod secrets;
mod servers;
mod status;
mod support;
mod telemetry;
