//! Numbers that any thread may change.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `by`.
    #[inline]
    pub fn increment(&self, by: u64) {
        self.0.fetch_add(by, Relaxed);
    }

    /// The number of this moment.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that grows and shrinks.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more.
    #[inline]
    pub fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less, after one more.
    #[inline]
    pub fn decrement(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// One more, unless there are `most`. Tells whether there is one more.
    #[inline]
    pub fn enter(&self, most: u64) -> bool {
        if self.0.fetch_add(1, Relaxed) < most {
            return true;
        }
        self.decrement();
        false
    }

    /// This many from now on.
    #[inline]
    pub fn set(&self, to: u64) {
        self.0.store(to, Relaxed);
    }

    /// The number of this moment.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Upper bounds of the buckets of [`Times`], in seconds.
pub const BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How long things took: how many took no longer than each of some bounds, and all together.
#[derive(Debug, Default)]
pub struct Times {
    /// One for each bound, and one for what took longer.
    buckets: [Count; BOUNDS.len() + 1],
    microseconds: Count,
}

impl Times {
    /// Takes one in.
    #[inline]
    pub fn record(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        if let Some(bucket) = self.buckets.get(BOUNDS.partition_point(|bound| *bound < seconds)) {
            bucket.increment(1);
        }
        self.microseconds.increment(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// For each bound how many took no longer, and last how many there were.
    pub fn cumulated(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum = 0;
        self.buckets.each_ref().map(|bucket| {
            sum += bucket.get();
            sum
        })
    }

    /// Seconds that all took together.
    pub fn sum(&self) -> f64 {
        self.microseconds.get() as f64 / 1e6
    }
}
