//! Sizes and counts, for metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Revision, Snapshot};

/// The state of a [`Store`](crate::Store), asked for with [`Store::stats`](crate::Store::stats). Counts begin at 0 when it is
/// opened. A store that has no queue, or no disk, says 0 of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// How many objects there are.
    pub objects: usize,
    /// The newest revision.
    pub revision: Revision,
    /// The oldest revision that can be watched from.
    pub compacted: Revision,
    /// Events kept in the history.
    pub events: usize,
    /// The bytes these count for against [`History::bytes`](crate::History::bytes).
    pub event_bytes: usize,
    /// Commits that wait to be written.
    pub queue: usize,
    /// The bytes of their keys and values.
    pub queue_bytes: usize,
    /// Commits done.
    pub commits: u64,
    /// Disk transactions done for them.
    pub groups: u64,
    /// Commits whose expectation did not hold.
    pub conflicts: u64,
    /// Commits that failed because the store could not write.
    pub unavailable: u64,
    /// Whether the last attempt to write succeeded.
    pub writable: bool,
}

/// The size of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Events after this revision are here.
    pub(crate) floor: Revision,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) unavailable: AtomicU64,
    pub(crate) failed: AtomicBool,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, snapshot: &Snapshot, extent: Extent, queue: usize, queue_bytes: usize) -> Stats {
        Stats {
            objects: snapshot.len(),
            revision: snapshot.revision(),
            compacted: extent.floor,
            events: extent.events,
            event_bytes: extent.bytes,
            queue,
            queue_bytes,
            commits: self.commits.load(Ordering::Relaxed),
            groups: self.groups.load(Ordering::Relaxed),
            conflicts: self.conflicts.load(Ordering::Relaxed),
            unavailable: self.unavailable.load(Ordering::Relaxed),
            writable: !self.failed.load(Ordering::Relaxed),
        }
    }
}
