//! How much all caches of a process hold, and what they have done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes that caches share.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    pub(crate) counts: Arc<Counts>,
}

/// What is counted of all caches that share a budget.
#[derive(Debug, Default)]
pub struct Counts {
    held: AtomicU64,
    items: AtomicU64,
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) revalidations: AtomicU64,
    pub(crate) evictions: AtomicU64,
    pub(crate) refusals: AtomicU64,
}

/// What caches hold and have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes that they hold.
    pub bytes: u64,
    /// Answers that they hold.
    pub items: u64,
    /// Requests that were answered with what is kept, without the server.
    pub hits: u64,
    /// Requests for which nothing was kept.
    pub misses: u64,
    /// Requests for which the server was asked whether what is kept is still so.
    pub revalidations: u64,
    /// Answers that went to make room for others.
    pub evictions: u64,
    /// Answers that were not kept, because there was no room.
    pub refusals: u64,
}

impl Budget {
    /// At most `limit` bytes. What is counted goes to `counts`.
    pub fn new(limit: u64, counts: Arc<Counts>) -> Self {
        Self { limit, counts }
    }

    /// The bytes that may be held.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes bytes for an answer, if there are that many.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let taken = self
            .counts
            .held
            .fetch_update(Relaxed, Relaxed, |held| held.checked_add(bytes).filter(|held| *held <= self.limit));
        if taken.is_ok() {
            count(&self.counts.items);
        }
        taken.is_ok()
    }

    /// Gives back what was taken for `items` answers.
    pub(crate) fn give_back(&self, bytes: u64, items: u64) {
        self.counts.held.fetch_sub(bytes, Relaxed);
        self.counts.items.fetch_sub(items, Relaxed);
    }
}

impl Counts {
    /// What the caches hold and have done.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            bytes: self.held.load(Relaxed),
            items: self.items.load(Relaxed),
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            revalidations: self.revalidations.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            refusals: self.refusals.load(Relaxed),
        }
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
