//! The control plane as its clients see it: REST on one side, a proxy's discovery stream on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../../../tests/harness/collector.rs"]
#[allow(dead_code, unreachable_pub, reason = "several tests share it, and use a part each")]
mod collector;
mod programmed;
mod returns;
mod secrets;
mod servers;
mod status;
mod support;
mod telemetry;
