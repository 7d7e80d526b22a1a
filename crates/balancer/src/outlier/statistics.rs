//! Statistics over the endpoints: which ones fail more than the others.

use super::config::{FailurePercentage, SuccessRate};

/// Requests of one endpoint in an interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) index: usize,
    pub(super) total: u64,
    pub(super) successes: u64,
}

impl Sample {
    /// In percent.
    fn rate(self) -> f64 {
        self.successes as f64 * 100.0 / self.total as f64
    }
}

fn counted(samples: &[Sample], volume: u32) -> impl Iterator<Item = Sample> + Clone {
    samples.iter().copied().filter(move |sample| sample.total > 0 && sample.total >= u64::from(volume))
}

/// Those whose rate of successes is too many standard deviations below the mean. `hosts` counts all endpoints.
pub(super) fn below_mean(samples: &[Sample], hosts: usize, config: SuccessRate) -> Vec<usize> {
    let rates = counted(samples, config.request_volume).map(|sample| (sample.index, sample.rate()));
    let count = rates.clone().count();
    if count == 0 || hosts < config.minimum_hosts as usize {
        return Vec::new();
    }
    let mean = rates.clone().map(|(_, rate)| rate).sum::<f64>() / count as f64;
    let variance = rates.clone().map(|(_, rate)| (rate - mean).powi(2)).sum::<f64>() / count as f64;
    let least = mean - f64::from(config.stdev_factor) / 1000.0 * variance.sqrt();
    rates.filter(|(_, rate)| *rate < least).map(|(index, _)| index).collect()
}

/// Those too many of whose requests failed. `hosts` counts all endpoints.
pub(super) fn failing(samples: &[Sample], hosts: usize, config: FailurePercentage) -> Vec<usize> {
    if hosts < config.minimum_hosts as usize {
        return Vec::new();
    }
    counted(samples, config.request_volume)
        .filter(|sample| 100.0 - sample.rate() >= f64::from(config.threshold))
        .map(|sample| sample.index)
        .collect()
}
