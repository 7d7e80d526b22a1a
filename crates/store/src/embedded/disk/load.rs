//! Brings the file into memory.

use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use crate::embedded::table::{COMPACTED, LOG, META, OBJECTS, corrupted, entry, key};
use crate::log::Record;
use crate::transition::{self, Entries};
use crate::{Event, Expect, Operation, Revision, Snapshot, Write};

/// Everything in a file.
#[derive(Debug)]
pub(in crate::embedded) struct Loaded {
    pub(in crate::embedded) snapshot: Snapshot,
    /// The records after this revision are here.
    pub(in crate::embedded) floor: Revision,
    pub(in crate::embedded) records: Vec<Record>,
}

pub(super) fn load(database: &Database) -> Result<Loaded, redb::Error> {
    let transaction = database.begin_read()?;
    let floor = transaction.open_table(META)?.get(COMPACTED)?.map(|floor| floor.value());
    let floor = floor.ok_or_else(|| corrupted(format!("there is no {COMPACTED}")))?;
    let mut entries = objects(&transaction, floor)?;
    let records = replay(&transaction, &mut entries, floor)?;
    let revision = records.last().map_or(floor, |record| record.revision);
    Ok(Loaded { snapshot: Snapshot::new(revision, entries), floor, records })
}

fn objects(transaction: &ReadTransaction, revision: Revision) -> Result<Entries, redb::Error> {
    let mut entries = Entries::new();
    for object in transaction.open_table(OBJECTS)?.iter()? {
        let (name, stored) = object?;
        let entry = entry(key(name.value())?, stored.value());
        if entry.modified > revision || entry.created > entry.modified {
            return Err(corrupted(format!("{} is newer than the store", entry.key)));
        }
        entries.insert(entry.key.clone(), Arc::new(entry));
    }
    Ok(entries)
}

/// Does to the objects what the log says, which gives each event what the object was before.
fn replay(transaction: &ReadTransaction, entries: &mut Entries, floor: Revision) -> Result<Vec<Record>, redb::Error> {
    let mut records: Vec<Record> = Vec::new();
    let mut commit: Vec<Event> = Vec::new();
    for row in transaction.open_table(LOG)?.iter()? {
        let (position, redo) = row?;
        let ((revision, _), (name, value)) = (position.value(), redo.value());
        if revision <= floor {
            return Err(corrupted(format!("the log has revision {revision}, which is part of the objects")));
        }
        if commit.last().is_some_and(|event| event.revision != revision) {
            records.extend(finish(&mut commit));
        }
        let operation = value.map_or(Operation::Delete, |value| Operation::Put(Bytes::copy_from_slice(value)));
        let write = Write { key: key(name)?, expect: Expect::Any, operation };
        let change = transition::perform(entries, revision, write)
            .ok_or_else(|| corrupted(format!("the log removes {name}, which does not exist")))?;
        commit.push(Event { revision, change });
    }
    records.extend(finish(&mut commit));
    Ok(records)
}

fn finish(commit: &mut Vec<Event>) -> Option<Record> {
    let revision = commit.last()?.revision;
    Some(Record { revision, events: commit.drain(..).collect() })
}
