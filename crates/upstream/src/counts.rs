//! What is counted of backends, in plain atomics, by all threads.

mod backend;
mod count;
mod failures;
mod times;

pub use backend::{
    BackendCounts, BackendMetrics, ConnectFailures, HealthChecks, Resets, Retired, RetryCounts, Timeouts,
};
pub use count::{Count, Level};
pub use failures::FailureCounts;
pub use times::{BOUNDS, Bounds, Exemplar, FixedTimes, Times, TimesRead};
