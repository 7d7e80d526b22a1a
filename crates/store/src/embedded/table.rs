//! What is in the file.
//!
//! The objects as they were at one revision, and the log: what every later commit did to which object. A commit writes at
//! the log's end and nowhere else. Now and then its oldest part is done to the objects and dropped.

use std::borrow::Cow;

use redb::TableDefinition;

use crate::{Change, Event, Key};

/// Key → created, modified, value, as of [`COMPACTED`].
pub(super) const OBJECTS: TableDefinition<'_, &str, (u64, u64, &[u8])> = TableDefinition::new("objects");

/// Revision, position in the commit → what was done. Complete after [`COMPACTED`].
pub(super) const LOG: TableDefinition<'_, (u64, u32), Redo<'_>> = TableDefinition::new("log");

/// Numbers by name.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// In [`META`]: the version of all this.
pub(super) const FORMAT: &str = "format";

/// The [`FORMAT`] that this code reads and writes.
pub(super) const CURRENT_FORMAT: u64 = 2;

/// In [`META`]: the revision that [`OBJECTS`] shows.
pub(super) const COMPACTED: &str = "compacted";

/// The key of an object, and the value it got; `None` where it was removed.
pub(super) type Redo<'a> = (&'a str, Option<&'a [u8]>);

/// What of an event goes into the log.
pub(super) fn done(event: &Event) -> (&str, Option<Cow<'_, [u8]>>) {
    match &event.change {
        Change::Created(entry) | Change::Updated { entry, .. } => (entry.key.as_str(), Some(entry.value.bytes())),
        Change::Deleted(entry) => (entry.key.as_str(), None),
    }
}

pub(super) fn key(text: &str) -> Result<Key, redb::Error> {
    Key::parse(text).ok_or_else(|| corrupted("a key is malformed"))
}

pub(super) fn corrupted(what: impl Into<String>) -> redb::Error {
    redb::Error::Corrupted(what.into())
}
