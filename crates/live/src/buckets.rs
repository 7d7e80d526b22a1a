//! How long things took.

use std::time::Duration;

/// What the first bucket takes in, in microseconds: as much or less.
const FIRST: u64 = 64;
/// Buckets to each doubling: a bound is less than a fifth beyond the one before, and half of that is how far a figure may be off.
const STEPS: u64 = 4;
/// Buckets: up to about two minutes, and one for what took longer.
const LEN: usize = 86;

/// How many took how long. Those of several threads and proxies add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets(Vec<u64>);

impl Buckets {
    /// From the figures of another; what is beyond the last bucket counts there.
    #[must_use]
    pub fn of(counts: &[u64]) -> Self {
        let mut own = Self::default();
        own.add(counts);
        own
    }

    /// Takes one in.
    pub fn record(&mut self, time: Duration) {
        self.add_at(index(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)), 1);
    }

    /// Adds those of another.
    pub fn add(&mut self, counts: &[u64]) {
        for (index, count) in counts.iter().enumerate() {
            self.add_at(index.min(LEN - 1), *count);
        }
    }

    fn add_at(&mut self, index: usize, by: u64) {
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        if let Some(bucket) = self.0.get_mut(index) {
            *bucket = bucket.saturating_add(by);
        }
    }

    /// How many there were in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// In how many milliseconds this share of all had ended; 0 of none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.count() as f64 * share).ceil().max(1.0);
        let mut sum = 0.0;
        for (index, count) in self.0.iter().enumerate() {
            sum += *count as f64;
            if sum >= wanted {
                return middle(index);
            }
        }
        0.0
    }

    /// The figures, without empty ones at the end.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.0
    }
}

fn index(micros: u64) -> usize {
    if micros <= FIRST {
        return 0;
    }
    let doublings = (micros / FIRST).ilog2();
    let base = FIRST << doublings;
    let step = (micros - base) / (base / STEPS);
    usize::try_from(u64::from(doublings) * STEPS + step + 1).unwrap_or(LEN).min(LEN - 1)
}

/// What stands for a bucket, in milliseconds.
fn middle(index: usize) -> f64 {
    let Some(beyond) = index.checked_sub(1) else { return FIRST as f64 / 2000.0 };
    let (doublings, step) = (beyond as u64 / STEPS, beyond as u64 % STEPS);
    let base = (FIRST << doublings) as f64;
    base * (1.0 + (step as f64 + 0.5) / STEPS as f64) / 1000.0
}

#[cfg(test)]
mod tests;
