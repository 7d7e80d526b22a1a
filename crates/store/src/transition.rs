//! The step from one view to the next, and back. Pure: every implementation that decides commits itself decides them here.

use std::sync::Arc;

use imbl::OrdMap;

use crate::log::Record;
use crate::value::Bases;
use crate::{Change, CommitError, Committed, Entry, Event, Expect, Key, Operation, Revision, Write};

#[cfg(test)]
mod tests;

/// All objects by key.
pub(crate) type Entries = OrdMap<Key, Arc<Entry>>;

/// Does all writes as `revision`, or none and says which expectation did not hold. No key may be named twice.
pub(crate) fn apply(
    entries: &mut Entries,
    bases: &mut Bases,
    revision: Revision,
    writes: Vec<Write>,
) -> Result<(Committed, Arc<[Event]>), CommitError> {
    for write in &writes {
        let current = entries.get(&write.key);
        if !holds(write, current.map(AsRef::as_ref)) {
            return Err(CommitError::Conflict { key: write.key.clone(), current: current.cloned() });
        }
    }
    let events: Arc<[Event]> = writes
        .into_iter()
        .filter_map(|write| perform(entries, bases, revision, write))
        .map(|change| Event { revision, change })
        .collect();
    let entries = events.iter().map(|event| Arc::clone(event.change.entry())).collect();
    Ok((Committed { revision, entries }, events))
}

/// Takes back commits: the newest that were done, in the order in which they were.
pub(crate) fn undo_all(entries: &mut Entries, records: &[Record]) {
    for event in records.iter().rev().flat_map(|record| record.events.iter().rev()) {
        undo(entries, &event.change);
    }
}

/// Takes back what an event did. Events are undone newest first.
fn undo(entries: &mut Entries, change: &Change) {
    match change {
        Change::Created(entry) => {
            entries.remove(&entry.key);
        }
        Change::Updated { previous: entry, .. } | Change::Deleted(entry) => {
            entries.insert(entry.key.clone(), Arc::clone(entry));
        }
    }
}

pub(crate) fn holds(write: &Write, current: Option<&Entry>) -> bool {
    let expected = match write.expect {
        Expect::Any => true,
        Expect::Absent => current.is_none(),
        Expect::Present => current.is_some(),
        Expect::Modified(revision) => current.is_some_and(|entry| entry.modified == revision),
    };
    expected && (current.is_some() || write.operation != Operation::Delete)
}

/// Does one write as `revision`, whatever it expects. `None` when it deletes what does not exist, or is a guard.
pub(crate) fn perform(entries: &mut Entries, bases: &mut Bases, revision: Revision, write: Write) -> Option<Change> {
    match write.operation {
        Operation::Guard => None,
        Operation::Delete => entries.remove(&write.key).map(Change::Deleted),
        Operation::Put(value) => {
            // The stored key is reused, so that an object's key is in memory once however often it changes.
            let previous = entries.get(&write.key).cloned();
            let (key, created) = match &previous {
                Some(entry) => (entry.key.clone(), entry.created),
                None => (write.key, revision),
            };
            let value = bases.keep(&key, value);
            let entry = Arc::new(Entry { key: key.clone(), value, created, modified: revision });
            entries.insert(key, Arc::clone(&entry));
            Some(match previous {
                Some(previous) => Change::Updated { entry, previous },
                None => Change::Created(entry),
            })
        }
    }
}
