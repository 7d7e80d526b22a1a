//! How much all caches of a process hold together.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that caches share.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    held: AtomicU64,
}

impl Budget {
    /// At most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0) }
    }

    /// The bytes that are held.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// The bytes that may be held.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes bytes, if there are that many.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            held.checked_add(bytes).filter(|held| *held <= self.limit)
        });
        taken.is_ok()
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}
