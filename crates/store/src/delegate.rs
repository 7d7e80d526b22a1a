//! A store that is another one, but for a little.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{
    CommitError, Committed, Limits, Prefix, ReadError, Replicas, Revision, Snapshot, Stats, Store, Term, Watch,
    WatchError, Write,
};

/// A [`Store`] around another, to which it leaves all that it does not do itself: who writes one says what is different.
pub trait Delegate: Send + Sync + fmt::Debug + 'static {
    /// The store that does the rest.
    fn inner(&self) -> &dyn Store;

    /// [`Store::snapshot`].
    fn snapshot(&self) -> Snapshot {
        self.inner().snapshot()
    }

    /// [`Store::read`].
    ///
    /// # Errors
    /// Those of [`Store::read`].
    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        self.inner().read()
    }

    /// [`Store::commit`].
    ///
    /// # Errors
    /// Those of [`Store::commit`].
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.inner().commit(writes)
    }

    /// [`Store::commit_in_term`].
    ///
    /// # Errors
    /// Those of [`Store::commit_in_term`].
    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.inner().commit_in_term(term, writes)
    }
}

impl<T: Delegate> Store for T {
    fn snapshot(&self) -> Snapshot {
        Delegate::snapshot(self)
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.inner().snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        Delegate::read(self)
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Delegate::commit(self, writes)
    }

    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Delegate::commit_in_term(self, term, writes)
    }

    fn replicas(&self) -> Option<Arc<dyn Replicas>> {
        self.inner().replicas()
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.inner().watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.inner().limits()
    }

    fn stats(&self) -> Stats {
        self.inner().stats()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        self.inner().release()
    }
}
