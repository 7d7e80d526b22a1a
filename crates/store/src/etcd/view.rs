//! All objects, as far as this process has heard of them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use backstay_proto::etcd::mvccpb::{Event as EtcdEvent, event::EventType};
use tokio::time::{Instant, timeout_at};

use super::keys::{Keys, Unreadable};
use super::txn;
use crate::log::Record;
use crate::published::Published;
use crate::value::Bases;
use crate::{Change, Entry, EtcdError, Event, Key, Revision, Snapshot, transition};

/// The view, what led to it, and who waits for it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) published: Published,
    /// What values are told by.
    bases: Mutex<Bases>,
    /// The revision of etcd up to which everything has been heard of.
    heard: AtomicI64,
    /// Why it does not go on, while something has happened that this process cannot read.
    stuck: ArcSwapOption<EtcdError>,
}

impl View {
    pub(super) fn new(published: Published, bases: Bases, heard: i64) -> Self {
        Self { published, bases: Mutex::new(bases), heard: AtomicI64::new(heard), stuck: ArcSwapOption::empty() }
    }

    /// The revision of etcd up to which everything has been heard of: at least that of the view.
    pub(super) fn heard(&self) -> i64 {
        self.heard.load(Ordering::Acquire)
    }

    /// Why it does not go on, if it does not. Whoever wrote then could not be told what became of it.
    pub(super) fn stuck(&self) -> Option<EtcdError> {
        self.stuck.load().as_deref().cloned()
    }

    /// It does not go on, or goes on again. Says whether that is news.
    pub(super) fn set_stuck(&self, why: Option<EtcdError>) -> bool {
        let before = self.stuck.swap(why.clone().map(Arc::new));
        before.as_deref() != why.as_ref()
    }

    /// Up to this revision of etcd nothing else happens.
    pub(super) fn hear(&self, at: i64) {
        self.heard.fetch_max(at, Ordering::AcqRel);
    }

    /// Begins anew with what was read at a revision of etcd, which may be an earlier one.
    pub(super) fn restart(&self, snapshot: Snapshot, bases: Bases, at: i64) {
        *self.bases() = bases;
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

    fn bases(&self) -> MutexGuard<'_, Bases> {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what happened, whole revisions, in order. What the view has seen is left out. What comes after something that cannot be
    /// read is not taken in.
    pub(super) fn follow(&self, keys: &Keys, events: &[EtcdEvent]) -> Result<(), Unreadable> {
        let snapshot = self.published.snapshot();
        let mut newest = snapshot.revision();
        let seen = newest;
        let mut entries = snapshot.into_entries();
        let mut records = Vec::new();
        let mut bases = self.bases();
        let (mut heard, mut unreadable) = (0, None);
        for same in events.chunk_by(|one, other| at(one) == at(other)) {
            let Some(revision) = same.first().map(|event| txn::revision(at(event))).filter(|revision| *revision > seen)
            else {
                continue;
            };
            let mut done = Vec::with_capacity(same.len());
            for event in same {
                match step(keys, &mut entries, &mut bases, event) {
                    Ok(change) => done.extend(change.map(|change| Event { revision, change })),
                    Err(error) => {
                        unreadable = Some(error);
                        break;
                    }
                }
            }
            let record = Record { revision, events: done.into() };
            if unreadable.is_some() {
                transition::undo_all(&mut entries, &[record]);
                break;
            }
            (newest, heard) = (revision, same.first().map_or(0, at));
            records.push(record);
        }
        self.hear(if unreadable.is_some() { heard } else { events.last().map_or(0, at) });
        if newest > seen {
            self.published.publish(Snapshot::new(newest, entries), records);
        }
        unreadable.map_or(Ok(()), Err)
    }
}

fn at(event: &EtcdEvent) -> i64 {
    event.kv.as_ref().map_or(0, |kept| kept.mod_revision)
}

/// What is below the prefix and no object of ours is left alone.
fn step(
    keys: &Keys,
    entries: &mut transition::Entries,
    bases: &mut Bases,
    event: &EtcdEvent,
) -> Result<Option<Change>, Unreadable> {
    let Some((kept, key)) = event.kv.as_ref().and_then(|kept| Some((kept, keys.parse(&kept.key)?))) else {
        return Ok(None);
    };
    if event.r#type() == EventType::Delete {
        return Ok(entries.remove(&key).map(Change::Deleted));
    }
    let previous = entries.get(&key).cloned();
    // The stored key is reused, so that an object's key is in memory once however often it changes.
    let key = previous.as_ref().map_or(key, |previous| previous.key.clone());
    let entry = keys.lasting(bases, key.clone(), kept)?;
    entries.insert(key, Arc::clone(&entry));
    Ok(Some(match previous {
        Some(previous) => Change::Updated { entry, previous },
        None => Change::Created(entry),
    }))
}
