//! Brings the file into memory.

use std::sync::Arc;

use backstay_seal::Keys;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::unsealed;
use crate::embedded::table::{COMPACTED, LOG, META, OBJECTS, corrupted, key};
use crate::log::Record;
use crate::transition::{self, Entries};
use crate::value::Bases;
use crate::{Entry, Event, Expect, Operation, Revision, Snapshot, Write};

/// Everything in a file.
#[derive(Debug)]
pub(in crate::embedded) struct Loaded {
    pub(in crate::embedded) snapshot: Snapshot,
    /// The records after this revision are here.
    pub(in crate::embedded) floor: Revision,
    pub(in crate::embedded) records: Vec<Record>,
    /// What values are told by.
    pub(in crate::embedded) bases: Bases,
}

pub(super) fn load(database: &Database, seal: Option<&Keys>) -> Result<Loaded, redb::Error> {
    let transaction = database.begin_read()?;
    let floor = transaction.open_table(META)?.get(COMPACTED)?.map(|floor| floor.value());
    let floor = floor.ok_or_else(|| corrupted(format!("there is no {COMPACTED}")))?;
    let mut bases = Bases::default();
    let mut entries = objects(&transaction, &mut bases, floor, seal)?;
    let records = replay(&transaction, &mut entries, &mut bases, floor, seal)?;
    let revision = records.last().map_or(floor, |record| record.revision);
    Ok(Loaded { snapshot: Snapshot::new(revision, entries), floor, records, bases })
}

fn objects(
    transaction: &ReadTransaction,
    bases: &mut Bases,
    revision: Revision,
    seal: Option<&Keys>,
) -> Result<Entries, redb::Error> {
    let mut entries = Entries::new();
    for object in transaction.open_table(OBJECTS)?.iter()? {
        let (name, stored) = object?;
        let (created, modified, value) = stored.value();
        let key = key(name.value())?;
        let value = bases.keep(&key, unsealed(seal, name.value(), value)?);
        let entry = Entry { key, value, created, modified };
        if entry.modified > revision || entry.created > entry.modified {
            return Err(corrupted(format!("{} is newer than the store", entry.key)));
        }
        entries.insert(entry.key.clone(), Arc::new(entry));
    }
    Ok(entries)
}

/// Does to the objects what the log says, which gives each event what the object was before.
fn replay(
    transaction: &ReadTransaction,
    entries: &mut Entries,
    bases: &mut Bases,
    floor: Revision,
    seal: Option<&Keys>,
) -> Result<Vec<Record>, redb::Error> {
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
        let operation = match value {
            Some(value) => Operation::Put(unsealed(seal, name, value)?),
            None => Operation::Delete,
        };
        let write = Write { key: key(name)?, expect: Expect::Any, operation };
        let change = transition::perform(entries, bases, revision, write)
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
