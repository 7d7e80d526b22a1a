//! Outlier detection: endpoints whose answers are bad are left out for a while.

mod config;
mod detector;
mod outcome;
mod statistics;
#[cfg(test)]
mod tests;

pub use config::{FailurePercentage, OutlierConfigError, OutlierDetection, SuccessRate};
pub use detector::{Detector, EjectionChange};
pub use outcome::Outcome;
