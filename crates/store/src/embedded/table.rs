//! What is in the file.
//!
//! Beside the objects there is an undo record for each event of the history: what the object was before. What it became
//! is known from the next record of the same key, or else from the object itself, so that no value is stored twice.

use bytes::Bytes;
use redb::TableDefinition;

use crate::{Change, Entry, Event, Key, Revision};

/// Key → created, modified, value.
pub(super) const OBJECTS: TableDefinition<'_, &str, (u64, u64, &[u8])> = TableDefinition::new("objects");

/// Revision, position in the commit → undo record.
pub(super) const EVENTS: TableDefinition<'_, (u64, u32), Undo<'_>> = TableDefinition::new("events");

/// Numbers by name.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// In [`META`]: the version of all this.
pub(super) const FORMAT: &str = "format";

/// The [`FORMAT`] that this code reads and writes.
pub(super) const CURRENT_FORMAT: u64 = 1;

/// In [`META`]: the newest revision.
pub(super) const REVISION: &str = "revision";

/// In [`META`]: the undo records after this revision are there.
pub(super) const COMPACTED: &str = "compacted";

/// Kind, key, and what the object was: created, modified, value.
pub(super) type Undo<'a> = (u8, &'a str, u64, u64, &'a [u8]);

pub(super) const CREATED: u8 = 0;
pub(super) const UPDATED: u8 = 1;
pub(super) const DELETED: u8 = 2;

pub(super) fn undo_record(event: &Event) -> Undo<'_> {
    let (kind, was) = match &event.change {
        Change::Created(entry) => return (CREATED, entry.key.as_str(), 0, 0, &[]),
        Change::Updated { previous, .. } => (UPDATED, previous),
        Change::Deleted(entry) => (DELETED, entry),
    };
    (kind, was.key.as_str(), was.created, was.modified, &was.value)
}

pub(super) fn entry(key: Key, (created, modified, value): (Revision, Revision, &[u8])) -> Entry {
    Entry { key, value: Bytes::copy_from_slice(value), created, modified }
}

pub(super) fn key(text: &str) -> Result<Key, redb::Error> {
    Key::parse(text).ok_or_else(|| corrupted("a key is malformed"))
}

pub(super) fn corrupted(what: impl Into<String>) -> redb::Error {
    redb::Error::Corrupted(what.into())
}
