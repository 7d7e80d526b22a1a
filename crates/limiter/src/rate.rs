//! How fast tokens gather.

use std::num::NonZeroU64;
use std::time::Duration;

/// How fast tokens gather, and how many there can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Rate {
    /// Nanoseconds for one token.
    interval: NonZeroU64,
    capacity: NonZeroU64,
}

impl Rate {
    /// `tokens` in each `every`, of which there can be `capacity`, at least one. At most a token each nanosecond gathers, and at
    /// least one in a thousand million seconds.
    #[must_use]
    pub fn new(tokens: f64, every: Duration, capacity: u64) -> Self {
        let nanoseconds = (every.as_nanos() as f64 / tokens).clamp(1.0, 1e18);
        Self {
            interval: NonZeroU64::new(nanoseconds as u64).unwrap_or(NonZeroU64::MIN),
            capacity: NonZeroU64::new(capacity).unwrap_or(NonZeroU64::MIN),
        }
    }

    /// How many tokens there can be.
    #[must_use]
    pub fn capacity(self) -> u64 {
        self.capacity.get()
    }

    /// Nanoseconds for one token.
    pub(crate) fn interval(self) -> u64 {
        self.interval.get()
    }

    /// How long it takes until an empty bucket could be full, in nanoseconds.
    pub(crate) fn time_to_fill(self) -> u64 {
        self.interval().saturating_mul(self.capacity())
    }
}
