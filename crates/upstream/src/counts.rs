//! What is counted of backends, in plain atomics, by all threads.

mod backend;
mod count;
mod failures;

pub use backend::{
    BackendCounts, BackendMetrics, ConnectFailures, HealthChecks, Resets, Retired, RetryCounts, Timeouts,
};
pub use count::{BOUNDS, Count, Level, Times};
pub use failures::FailureCounts;
