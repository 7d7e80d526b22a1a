//! So many a second, over all threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// So many a second.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    /// The second, and below it how many there were in it.
    taken: AtomicU64,
}

impl Pace {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, taken: AtomicU64::new(0) }
    }

    /// Whether there is one more in the second of `now`.
    pub(super) fn takes(&self, now: Duration) -> bool {
        let second = now.as_secs() & u64::from(u32::MAX);
        let next = |taken: u64| {
            let count = if taken >> 32 == second { taken & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(self.most)).then_some(second << 32 | (count + 1))
        };
        self.taken.fetch_update(Relaxed, Relaxed, next).is_ok()
    }
}
