//! Circuit breakers: how much may be under way at once, over all threads.

mod limits;
mod permit;
mod share;
#[cfg(test)]
mod tests;

pub use limits::{Limit, Limits, Overflow, RetryBudget};
pub use permit::{Breakers, Permit, PoolConnection};
pub use share::{Share, Wait};
