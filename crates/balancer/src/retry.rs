//! Retries: which requests are sent again, and when.

mod back_off;
mod conditions;
mod policy;
#[cfg(test)]
mod tests;

pub use back_off::{BackOff, parse_retry_after};
pub use conditions::{AttemptResponse, Failure, RetryOn};
pub use policy::{Decision, NoRetry, Retries, RetryConfigError, RetryPolicy};
