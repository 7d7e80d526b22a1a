//! The store without a disk: everything is gone with the process. For tests, and for trying things out.

use std::sync::{Mutex, PoisonError};

use futures::future::{self, BoxFuture};

use crate::log::Record;
use crate::published::Published;
use crate::stats::{Counters, Stats};
use crate::value::Bases;
use crate::{
    CommitError, Committed, History, Limits, Prefix, ReadError, Retention, Revision, Snapshot, Store, Watch,
    WatchError, Write, transition,
};

/// A [`Store`] that keeps nothing. In all else it is as the others.
#[derive(Debug)]
pub struct Memory {
    published: Published,
    limits: Limits,
    counters: Counters,
    /// Held while a commit is decided and shown.
    writer: Mutex<Bases>,
}

impl Memory {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Limits::default(), History::default(), Retention::default())
    }

    /// An empty store.
    #[must_use]
    pub fn with(limits: Limits, history: History, retention: Retention) -> Self {
        Self::beginning(0, limits, history, retention)
    }

    /// An empty store whose first commit makes the revision after `revision`.
    #[must_use]
    pub fn beginning(revision: Revision, limits: Limits, history: History, retention: Retention) -> Self {
        let empty = Snapshot::new(revision, Default::default());
        let published = Published::new(empty, revision, Vec::new(), history, retention);
        Self { published, limits, counters: Counters::default(), writer: Mutex::default() }
    }

    pub(crate) fn commit_now(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.limits.check(&writes)?;
        let mut bases = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.published.snapshot();
        let revision = snapshot.revision() + 1;
        let mut entries = snapshot.into_entries();
        let (committed, events) = transition::apply(&mut entries, &mut bases, revision, writes)
            .inspect_err(|_| Counters::add(&self.counters.conflicts, 1))?;
        Counters::add(&self.counters.commits, 1);
        self.published.publish(Snapshot::new(revision, entries), vec![Record { revision, events }]);
        Ok(committed)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.published.close();
    }
}

impl Store for Memory {
    fn snapshot(&self) -> Snapshot {
        self.published.snapshot()
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.published.snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        Box::pin(future::ready(Ok(self.snapshot())))
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move { self.commit_now(writes) })
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.published.watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn stats(&self) -> Stats {
        self.counters.stats(&self.published.snapshot(), self.published.extent(), 0, 0)
    }
}
