//! What clients see, through the router, over a store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod apply;
mod behind;
mod delete;
mod discovery;
mod errors;
mod events;
mod interleaved;
mod list;
mod manners;
mod namespaces;
mod operations;
mod patch;
mod races;
mod read;
mod secrets;
mod server;
mod unasked;
mod uploads;
mod watch;
mod write;
