//! Brings the file into memory.

use std::sync::Arc;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use crate::embedded::table::{
    COMPACTED, CREATED, DELETED, EVENTS, META, OBJECTS, REVISION, UPDATED, Undo, corrupted, entry, key,
};
use crate::log::Record;
use crate::transition::Entries;
use crate::{Change, Event, History, Revision, Snapshot};

/// Everything in a file.
#[derive(Debug)]
pub(in crate::embedded) struct Loaded {
    pub(in crate::embedded) snapshot: Snapshot,
    /// The records after this revision are here.
    pub(in crate::embedded) floor: Revision,
    pub(in crate::embedded) records: Vec<Record>,
}

pub(super) fn load(database: &Database, limits: &History) -> Result<Loaded, redb::Error> {
    let transaction = database.begin_read()?;
    let (revision, compacted) = numbers(&transaction)?;
    let entries = objects(&transaction, revision)?;
    let (floor, records) = history(&transaction, entries.clone(), compacted, limits)?;
    Ok(Loaded { snapshot: Snapshot::new(revision, entries), floor, records })
}

fn numbers(transaction: &ReadTransaction) -> Result<(Revision, Revision), redb::Error> {
    let meta = transaction.open_table(META)?;
    let number = |name| -> Result<u64, redb::Error> {
        let number = meta.get(name)?.map(|number| number.value());
        number.ok_or_else(|| corrupted(format!("there is no {name}")))
    };
    Ok((number(REVISION)?, number(COMPACTED)?))
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

/// Walks back from the newest state, undoing event by event, which gives each event what the object became.
fn history(
    transaction: &ReadTransaction,
    mut entries: Entries,
    compacted: Revision,
    limits: &History,
) -> Result<(Revision, Vec<Record>), redb::Error> {
    let mut records: Vec<Record> = Vec::new();
    let mut floor = compacted;
    let (mut events, mut bytes) = (0, 0);
    let mut commit: Vec<Event> = Vec::new();
    let table = transaction.open_table(EVENTS)?;
    for row in table.range((compacted + 1, 0)..)?.rev() {
        let (position, undo) = row?;
        let (revision, _) = position.value();
        if let Some(later) = commit.last().map(|event| event.revision).filter(|later| *later != revision) {
            let record = finish(later, &mut commit);
            events += record.events.len();
            bytes += record.bytes();
            records.push(record);
            if events > limits.events || bytes > limits.bytes {
                floor = revision;
                break;
            }
        }
        commit.push(Event { revision, change: step_back(&mut entries, revision, undo.value())? });
    }
    if let Some(revision) = commit.last().map(|event| event.revision) {
        records.push(finish(revision, &mut commit));
    }
    records.reverse();
    Ok((floor, records))
}

fn finish(revision: Revision, commit: &mut Vec<Event>) -> Record {
    commit.reverse();
    Record { revision, events: commit.drain(..).collect() }
}

fn step_back(entries: &mut Entries, revision: Revision, undo: Undo<'_>) -> Result<Change, redb::Error> {
    let (kind, name, created, modified, value) = undo;
    let name = key(name)?;
    let became = entries.get(&name).cloned();
    let change = match (kind, became) {
        (CREATED, Some(became)) if became.modified == revision => {
            entries.remove(&name);
            Change::Created(became)
        }
        (UPDATED, Some(became)) if became.modified == revision => {
            let previous = Arc::new(entry(became.key.clone(), (created, modified, value)));
            entries.insert(became.key.clone(), Arc::clone(&previous));
            Change::Updated { entry: became, previous }
        }
        (DELETED, None) => {
            let was = Arc::new(entry(name.clone(), (created, modified, value)));
            entries.insert(name, Arc::clone(&was));
            Change::Deleted(was)
        }
        _ => return Err(corrupted(format!("the history of {name} does not lead to what it is"))),
    };
    Ok(change)
}
