//! What is counted beside the backends ([`backstay_upstream::counts`]), in plain atomics: by the data threads ([`ServerMetrics`]) and
//! the control thread. What is exported of it, and how, is the business of [`crate::metrics`].

mod calls;
mod control;
mod guards;
mod requests;
mod server;
mod tokens;

pub use calls::{CallMetrics, CallOutcome};
pub(crate) use control::ControlMetrics;
pub use guards::{Guard, GuardCounts};
pub use requests::RequestTimes;
pub(crate) use requests::{Measured, RequestLane, RouteNumber, SeriesRead};
pub use server::{Floods, MirrorsDropped, ServerMetrics};
pub use tokens::TokenCounts;
