//! What the proxy counts, as Prometheus text.
//!
//! Data threads and the control thread count in plain atomics ([`BackendMetrics`], [`ServerMetrics`]). What is exported of
//! them stands in tables: under the project's own names for `/metrics` (`own`), and under Envoy's, where a count means what
//! Envoy's of that name does, for `/stats/prometheus` (`envoy`).

mod backend;
mod control;
mod count;
mod envoy;
mod exposition;
mod family;
mod own;
mod server;
mod snapshot;

pub use backend::{BackendMetrics, ConnectFailures, HealthChecks, Resets, Retired, RetryCounts, Timeouts};
pub(crate) use control::ControlMetrics;
pub use count::{Count, Level, Times};
pub(crate) use envoy::envoy;
use exposition::Exposition;
pub(crate) use own::own;
pub use server::{MirrorsDropped, ServerMetrics};
pub(crate) use snapshot::{BackendSnapshot, CacheSnapshot, Members, Process};

#[cfg(test)]
mod tests;

/// Classes of statuses, by first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
