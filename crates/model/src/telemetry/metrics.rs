//! How often a collector is told of metrics, and what times are counted by.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use backstay_proto::config;

use crate::fault::{Checked, Faults, Together, refuse};
use crate::scalar::positive;

#[cfg(test)]
mod tests;

/// How often a collector may be told.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
/// Most bounds of a histogram: each is a series of every backend.
const MAX_BOUNDS: usize = 40;
/// The longest time that is told apart, in seconds.
const MAX_SECONDS: f64 = 86_400.0;

/// How often a collector is told of metrics, and what times are counted by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// How often a collector is told, 1 s to 1 h; `None` where a proxy's own settings say.
    pub interval: Option<Duration>,
    /// Upper bounds of the buckets of histograms, in seconds, in ascending order; `None` for the usual ones.
    pub bounds: Option<Arc<[f64]>>,
}

impl TryFrom<&config::Metrics> for Metrics {
    type Error = Faults;

    fn try_from(message: &config::Metrics) -> Checked<Self> {
        let interval = match positive("interval", message.interval) {
            Ok(Some(interval)) if !INTERVALS.contains(&interval) => refuse("interval", "must be from 1s to 1h"),
            other => other,
        };
        let (interval, bounds) = (interval, bounds(&message.bounds)).together()?;
        Ok(Self { interval, bounds })
    }
}

fn bounds(bounds: &[f64]) -> Checked<Option<Arc<[f64]>>> {
    if bounds.is_empty() {
        return Ok(None);
    }
    if bounds.len() > MAX_BOUNDS {
        return refuse("bounds", format!("has {} elements: at most {MAX_BOUNDS}", bounds.len()));
    }
    let mut before = 0.0;
    for (index, bound) in bounds.iter().enumerate() {
        // What is no number is not greater either.
        if !(*bound > before && *bound <= MAX_SECONDS) {
            let why =
                format!("is {bound}: bounds are seconds, each greater than the one before, at most {MAX_SECONDS}");
            return refuse(format!("bounds[{index}]"), why);
        }
        before = *bound;
    }
    Ok(Some(bounds.into()))
}
