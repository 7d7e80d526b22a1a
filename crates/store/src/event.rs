//! What happened in a store, and following it.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::entry::{Entry, Revision};
use crate::error::WatchError;

/// What happened to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub revision: Revision,
    /// What.
    pub change: Change,
}

/// The kinds of [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The object came to be.
    Created(Arc<Entry>),
    /// The object was replaced.
    Updated {
        /// As it is now.
        entry: Arc<Entry>,
        /// As it was.
        previous: Arc<Entry>,
    },
    /// The object was removed; this is its last state.
    Deleted(Arc<Entry>),
}

impl Change {
    /// The entry concerned: as it is now, or for a delete as it was.
    #[must_use]
    pub fn entry(&self) -> &Arc<Entry> {
        match self {
            Change::Created(entry) | Change::Updated { entry, .. } | Change::Deleted(entry) => entry,
        }
    }
}

/// Follows what happens in a store. Obtained from [`Store::watch`](crate::Store::watch).
pub trait Watch: Send + fmt::Debug {
    /// Waits for the next commits and returns the events of whole commits, in order, at most a bounded number at a time.
    /// Only events whose key matches the watch's prefix are returned; the list is empty when others moved
    /// [`Watch::revision`] on. Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] when this watch fell so far behind that events it needs were forgotten;
    /// [`WatchError::Closed`] when the store shut down.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Event>, WatchError>>;

    /// All matching events up to this revision have been returned.
    fn revision(&self) -> Revision;
}
