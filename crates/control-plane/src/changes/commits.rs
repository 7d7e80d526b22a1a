//! The store, with an eye on what is committed.

use std::sync::Arc;
use std::time::Instant;

use backstay_store::{CommitError, Committed, Delegate, Store, Write, origin};
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

impl Delegate for Commits {
    fn inner(&self) -> &dyn Store {
        &*self.store
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
}
