//! What can go wrong, and whether trying again may help.

use std::sync::Arc;

use crate::{Entry, Key, Revision};

/// A commit was not done. Nothing of it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The expectation of a write did not hold.
    #[error("{key} is not as expected")]
    Conflict {
        /// The object.
        key: Key,
        /// What is stored, if anything.
        current: Option<Arc<Entry>>,
    },
    /// The commit is larger than the store takes, or names a key twice.
    #[error("the commit is refused: {0}")]
    Refused(String),
    /// The store cannot write now; the same commit may succeed later.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
}

/// A view could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The view at that revision is gone.
    #[error("revision {requested} has been compacted, the oldest is {oldest}")]
    Compacted {
        /// What was asked for.
        requested: Revision,
        /// The oldest that can be had.
        oldest: Revision,
    },
    /// The store has not reached that revision.
    #[error("revision {requested} is in the future, the current is {current}")]
    Future {
        /// What was asked for.
        requested: Revision,
        /// The current one.
        current: Revision,
    },
    /// The store cannot be reached now.
    #[error("the store cannot be read: {0}")]
    Unavailable(String),
}

/// A watch could not begin, or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// Events that the watch needs have been forgotten. List, and watch from there.
    #[error("too old resource version: {requested} ({oldest})")]
    Compacted {
        /// The revision after which events were wanted.
        requested: Revision,
        /// The oldest revision that can be watched from.
        oldest: Revision,
    },
    /// The store has not reached the revision to watch from.
    #[error("revision {requested} is in the future, the current is {current}")]
    Future {
        /// What was asked for.
        requested: Revision,
        /// The current one.
        current: Revision,
    },
    /// The store shut down.
    #[error("the store is closed")]
    Closed,
}

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{path} is in use by another process")]
    InUse {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The file cannot be used.
    #[error("cannot open the store {path}: {reason}")]
    Failed {
        /// The file.
        path: std::path::PathBuf,
        /// Why, for an operator.
        reason: String,
    },
}
