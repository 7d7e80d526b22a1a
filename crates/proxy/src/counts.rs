//! What is counted, in plain atomics: by the data threads ([`BackendMetrics`], [`ServerMetrics`]) and the control thread. What
//! is exported of it, and how, is the business of [`crate::metrics`].

mod backend;
mod control;
mod count;
mod server;

pub use backend::{BackendMetrics, ConnectFailures, HealthChecks, Resets, Retired, RetryCounts, Timeouts};
pub(crate) use control::ControlMetrics;
pub(crate) use count::BOUNDS;
pub use count::{Count, Level, Times};
pub use server::{MirrorsDropped, ServerMetrics};
