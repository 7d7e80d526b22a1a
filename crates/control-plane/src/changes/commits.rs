//! The store, with an eye on what is committed.

use std::sync::Arc;
use std::time::Instant;

use backstay_store::{
    CommitError, Committed, Limits, Prefix, ReadError, Replicas, Revision, Snapshot, Stats, Store, Term, Watch,
    WatchError, Write, origin,
};
use futures::future::BoxFuture;

use super::{Changes, Request};

/// A store that tells [`Changes`] what requests commit.
#[derive(Debug)]
pub(crate) struct Commits {
    store: Arc<dyn Store>,
    changes: Changes,
}

impl Commits {
    /// `store`, and nothing around it where nothing is kept.
    pub(crate) fn of(store: Arc<dyn Store>, changes: &Changes) -> Arc<dyn Store> {
        match &changes.0 {
            None => store,
            Some(_) => Arc::new(Self { store, changes: changes.clone() }),
        }
    }
}

impl Store for Commits {
    fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.store.snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        self.store.read()
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        let Some(request) = origin::current().and_then(|origin| origin.downcast::<Request>().ok()) else {
            return self.store.commit(writes);
        };
        Box::pin(async move {
            let began = Instant::now();
            let committed = self.store.commit(writes).await?;
            request.has_committed();
            self.changes.committed(&request, committed.revision, (began, Instant::now()));
            Ok(committed)
        })
    }

    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.store.commit_in_term(term, writes)
    }

    fn replicas(&self) -> Option<Arc<dyn Replicas>> {
        self.store.replicas()
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.store.watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }

    fn stats(&self) -> Stats {
        self.store.stats()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        self.store.release()
    }
}
