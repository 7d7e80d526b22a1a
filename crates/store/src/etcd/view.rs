//! All objects, as far as this process has heard of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backstay_proto::etcd::mvccpb::{Event as EtcdEvent, event::EventType};
use tokio::time::{Instant, timeout_at};

use super::keys::Keys;
use super::txn;
use crate::log::Record;
use crate::published::Published;
use crate::{Change, Entry, Event, Key, Revision, Snapshot};

/// The view, what led to it, and who waits for it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) published: Published,
    /// The revision of etcd up to which everything has been heard of.
    heard: AtomicI64,
}

impl View {
    pub(super) fn new(published: Published, heard: i64) -> Self {
        Self { published, heard: AtomicI64::new(heard) }
    }

    /// The revision of etcd up to which everything has been heard of: at least that of the view.
    pub(super) fn heard(&self) -> i64 {
        self.heard.load(Ordering::Acquire)
    }

    /// Up to this revision of etcd nothing else happens.
    pub(super) fn hear(&self, at: i64) {
        self.heard.fetch_max(at, Ordering::AcqRel);
    }

    /// Begins anew with what was read at a revision of etcd, which may be an earlier one.
    pub(super) fn restart(&self, snapshot: Snapshot, at: i64) {
        self.published.restart(snapshot);
        self.heard.store(at, Ordering::Release);
    }

    /// Waits until the view is at that revision, or the deadline is over.
    pub(super) async fn reached(&self, revision: Revision, deadline: Instant) -> bool {
        timeout_at(deadline, self.published.reached(revision)).await.is_ok_and(|reached| reached)
    }

    /// What a commit wrote to an object: as it became, or where it was removed, as it was.
    pub(super) fn written(&self, revision: Revision, key: &Key) -> Option<Arc<Entry>> {
        let (_, records) = self.published.history();
        let record = records.iter().find(|record| record.revision == revision)?;
        record.events.iter().map(|event| event.change.entry()).find(|entry| entry.key == *key).cloned()
    }

    /// Takes in what happened, whole revisions, in order. What the view has seen is left out.
    pub(super) fn follow(&self, keys: &Keys, events: &[EtcdEvent]) {
        let snapshot = self.published.snapshot();
        let mut newest = snapshot.revision();
        let seen = newest;
        let mut entries = snapshot.into_entries();
        let mut records = Vec::new();
        for same in events.chunk_by(|one, other| at(one) == at(other)) {
            let Some(revision) = same.first().map(|event| txn::revision(at(event))).filter(|revision| *revision > seen)
            else {
                continue;
            };
            let changes = same.iter().filter_map(|event| step(keys, &mut entries, event));
            let events: Arc<[Event]> = changes.map(|change| Event { revision, change }).collect();
            newest = revision;
            records.push(Record { revision, events });
        }
        self.hear(events.last().map_or(0, at));
        if newest > seen {
            self.published.publish(Snapshot::new(newest, entries), records);
        }
    }
}

fn at(event: &EtcdEvent) -> i64 {
    event.kv.as_ref().map_or(0, |kept| kept.mod_revision)
}

/// What is below the prefix and no object of ours is left alone.
fn step(keys: &Keys, entries: &mut crate::transition::Entries, event: &EtcdEvent) -> Option<Change> {
    let kept = event.kv.as_ref()?;
    let key = keys.parse(&kept.key)?;
    if event.r#type() == EventType::Delete {
        return entries.remove(&key).map(Change::Deleted);
    }
    let previous = entries.get(&key).cloned();
    // The stored key is reused, so that an object's key is in memory once however often it changes.
    let key = previous.as_ref().map_or(key, |previous| previous.key.clone());
    let entry = txn::entry(key.clone(), kept);
    entries.insert(key, Arc::clone(&entry));
    Some(match previous {
        Some(previous) => Change::Updated { entry, previous },
        None => Change::Created(entry),
    })
}
