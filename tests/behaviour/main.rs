//! The behaviour of the whole, over real processes and sockets: a file for each promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod command;
mod docs;
#[path = "../harness/lib.rs"]
#[allow(dead_code, reason = "tests and benchmarks use a part each")]
mod harness;
mod kube_client;
mod kubectl;
mod quickstart;
