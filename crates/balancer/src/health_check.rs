//! Active health checks: from the results of checks to a verdict, and to when the next one is due.

mod checker;
mod config;
#[cfg(test)]
mod tests;

pub use checker::{CheckResult, Checker, PastVerdict, Traffic, Verdict};
pub use config::{CheckConfigError, Checks, Thresholds, VerdictRule, Window};
