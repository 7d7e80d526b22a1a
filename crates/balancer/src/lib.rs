//! Endpoint selection: which endpoint of a backend takes the next request, and whether it may be sent at all.
//!
//! Nothing here reads a clock or opens a socket: time comes in as a [`Duration`](std::time::Duration) since any moment that
//! all callers share, and randomness as a seed or a number.
//!
//! # Layout
//!
//! What threads share is an [`EndpointSet`], which is never changed but replaced, and behind it one [`EndpointState`] of
//! atomics for each endpoint, which outlives the sets that list it. What a thread owns is a [`Picker`]: its place in the
//! rotation, its random numbers, and the loads of priorities as they were computed when health last changed. While nothing
//! changes, a pick costs one atomic load on top of the policy itself; it takes no lock and allocates nothing.
//!
//! - [`LoadBalancing`] says how to pick; [`Picker`] does it.
//! - [`Detector`] ejects endpoints whose answers are bad; [`Checker`] turns results of active checks into a verdict.
//! - [`Breakers`] bound what is under way at once; a [`Share`] is what one thread has of it, and tells the others when it waits.
//! - [`Circuit`] lets nothing through after failures in a row, until one call has tried.
//! - [`RetryPolicy`] says what is sent again, and when.
//! - [`members`] is a level above: which of several backends a request goes to, where they are members of a pool.
//!
//! Behaviour is Envoy's unless an item says otherwise.

mod breaker;
mod circuit;
mod config;
mod edf;
mod endpoint;
mod hash;
mod health_check;
pub mod members;
mod outlier;
mod picker;
mod priority;
mod retry;
mod set;
mod slow_start;
mod table;

pub use breaker::{Breakers, Limit, Limits, Overflow, Permit, PoolConnection, RetryBudget, Share, Wait};
pub use circuit::{CallEnd, Circuit, CircuitChange, CircuitOpen, CircuitPermit, CircuitSettings, CircuitState};
pub use config::{ConfigError, EndpointKey, LeastRequest, LoadBalancing, Maglev, Policy, RingHash, SlowStart};
pub use endpoint::{
    ActiveRequest, ConfiguredHealth, EjectionReason, EndpointSpec, EndpointState, Health, Locality, Start,
};
pub use hash::{AfterPolicy, RequestHash, hash_of, hash_of_all};
pub use health_check::{
    CheckConfigError, CheckResult, Checker, Checks, PastVerdict, Thresholds, Traffic, Verdict, VerdictRule, Window,
};
pub use outlier::{
    Detector, EjectionChange, FailurePercentage, Outcome, OutlierConfigError, OutlierDetection, SuccessRate,
};
pub use picker::{PickContext, Picked, Picker};
pub use priority::{PriorityHealth, PriorityLoads};
pub use retry::{
    AttemptResponse, BackOff, Decision, Failure, NoRetry, Retries, RetryConfigError, RetryOn, RetryPolicy,
    parse_retry_after,
};
pub use set::EndpointSet;
