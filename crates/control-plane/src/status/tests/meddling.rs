use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_store::{Committed, Delegate};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::*;
use super::Memory;

/// A store in which somebody else writes first: before each write of a status, a few times.
#[derive(Debug)]
pub(super) struct Meddling {
    store: Memory,
    times: usize,
    done: AtomicUsize,
}

impl Meddling {
    pub(super) fn new(times: usize) -> Self {
        Self { store: Memory::new(), times, done: AtomicUsize::new(0) }
    }

    /// What a merge patch of one condition does: it replaces the list.
    fn merged(&self, key: &Key, number: usize) -> Option<Write> {
        let entry = self.store.snapshot().get(key).cloned()?;
        let mut object: Value = serde_json::from_slice(&entry.value.bytes()).ok()?;
        object["status"]["conditions"] = json!([{"type": "example.com/Audited", "status": "True", "reason": "Fine",
            "message": format!("write {number}"), "lastTransitionTime": "2020-01-02T03:04:05Z"}]);
        let operation = Operation::Put(object.to_string().into());
        Some(Write { key: key.clone(), expect: Expect::Modified(entry.modified), operation })
    }
}

impl Delegate for Meddling {
    fn inner(&self) -> &dyn Store {
        &self.store
    }

    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            let update = matches!(writes[0].expect, Expect::Modified(_));
            if update && self.done.load(Ordering::Relaxed) < self.times {
                let number = self.done.fetch_add(1, Ordering::Relaxed) + 1;
                let merged = self.merged(&writes[0].key, number);
                self.store.commit(merged.into_iter().collect()).await?;
            }
            self.store.commit_in_term(term, writes).await
        })
    }
}
