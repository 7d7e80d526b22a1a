//! What the proxy counts, as Prometheus text.
//!
//! Data threads and the control thread count in plain atomics ([`crate::counts`], [`backstay_upstream::counts`]). What is exported of
//! them stands in tables: under the project's own names for `/metrics` (`prometheus`), and under Envoy's, where a count means what
//! Envoy's of that name does, for `/stats/prometheus` (`envoy`). What collectors expect by OpenTelemetry's names (`conventions`) is for them alone.

mod conventions;
mod envoy;
mod exposition;
mod family;
mod prometheus;
mod snapshot;

pub(crate) use conventions::conventions;
pub(crate) use envoy::envoy;
use exposition::Exposition;
pub(crate) use prometheus::prometheus;
pub(crate) use snapshot::{BackendSnapshot, CacheSnapshot, CallSnapshot, Counted, Members, Process};

#[cfg(test)]
mod tests;

/// Classes of statuses, by first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
