//! An immutable view of all objects at one revision.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::{Entry, Key, Prefix, Revision};

/// All objects at one revision. Cheap to clone: views share what they have in common.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    revision: Revision,
    entries: OrdMap<Key, Arc<Entry>>,
}

impl Snapshot {
    /// A view from its parts.
    #[must_use]
    pub fn new(revision: Revision, entries: OrdMap<Key, Arc<Entry>>) -> Self {
        Self { revision, entries }
    }

    /// When this was the state of the store.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// One object.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.entries.get(key)
    }

    /// The objects under a prefix, in key order.
    pub fn list<'a>(&'a self, prefix: &'a Prefix) -> impl Iterator<Item = &'a Arc<Entry>> + 'a {
        self.range(prefix, prefix_start(prefix))
    }

    /// The objects under a prefix whose keys come after `key`, in key order: the next page of a list that ended there.
    pub fn list_after<'a>(&'a self, prefix: &'a Prefix, key: Key) -> impl Iterator<Item = &'a Arc<Entry>> + 'a {
        self.range(prefix, Bound::Excluded(key))
    }

    /// How many objects there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn into_entries(self) -> OrdMap<Key, Arc<Entry>> {
        self.entries
    }

    fn range<'a>(&'a self, prefix: &Prefix, start: Bound<Key>) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        self.entries.range((start, prefix_end(prefix))).map(|(_, entry)| entry)
    }
}

fn prefix_start(prefix: &Prefix) -> Bound<Key> {
    Bound::Included(Key::from_raw(prefix.as_str()))
}

/// Prefixes end with a slash, and what comes after all that begin so has the character after it in its place.
fn prefix_end(prefix: &Prefix) -> Bound<Key> {
    match prefix.as_str().strip_suffix('/') {
        Some(begin) => Bound::Excluded(Key::from_raw(&format!("{begin}0"))),
        None => Bound::Unbounded,
    }
}
