//! Numbers that any thread may change.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
