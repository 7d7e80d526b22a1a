//! What can go wrong, and whether trying again may help.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Entry, Key, Revision};

/// A commit was not done. Nothing of it was, unless [`CommitError::Unavailable`] says that this is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The expectation of a write, or of a guard, did not hold.
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
    Unavailable(#[source] Unavailable),
}

/// Why a store cannot be used for the moment.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// It shut down, or the thread that writes it ended.
    #[error("the store is closed")]
    Closed,
    /// More waits to be written than [`Options`](crate::Options) allow.
    #[error("{commits} commits of {bytes} bytes wait already; the disk does not keep up")]
    Busy {
        /// The commits that wait.
        commits: usize,
        /// The bytes of their keys and values.
        bytes: usize,
    },
    /// The disk refused it.
    #[error(transparent)]
    Disk(DiskError),
    /// etcd did not do it, or did not say whether it did.
    #[error(transparent)]
    Etcd(EtcdError),
}

/// What went wrong with etcd.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("etcd{}{said}{}", of(.member), if *.unknown { "; it is not known whether it was done" } else { "" })]
pub struct EtcdError {
    /// The member that said so; empty where it was none.
    member: String,
    said: String,
    unknown: bool,
}

fn of(member: &str) -> String {
    if member.is_empty() { ": ".to_owned() } else { format!(" at {member}: ") }
}

impl EtcdError {
    pub(crate) fn new(member: &str, said: String) -> Self {
        Self { member: member.to_owned(), said, unknown: false }
    }

    /// The same of what may have been done nevertheless.
    pub(crate) fn unknown(self) -> Self {
        Self { unknown: true, ..self }
    }

    /// As etcd said it.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }
}

/// What went wrong beneath an embedded store, with the cause.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DiskError {
    /// The file is not what was written.
    #[error("its contents are damaged: {what}. Restore it from a backup")]
    Damaged {
        /// What is wrong with it.
        what: String,
        /// As the database said it.
        #[source]
        source: Arc<redb::Error>,
    },
    /// The system refused to read or write it.
    #[error("{0}")]
    Io(#[source] Arc<io::Error>),
    /// The thread that writes it cannot be started.
    #[error("its thread cannot be started: {0}")]
    Thread(#[source] Arc<io::Error>),
    /// The database refused it for another reason.
    #[error("{0}")]
    Database(#[source] Arc<redb::Error>),
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(ref what) => Self::Damaged { what: what.clone(), source: Arc::new(error) },
            redb::Error::Io(error) => Self::Io(Arc::new(error)),
            other => Self::Database(Arc::new(other)),
        }
    }
}

impl From<io::Error> for DiskError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// A view could not be had.
#[derive(Debug, Clone, thiserror::Error)]
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
    Unavailable(#[source] Unavailable),
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
        path: PathBuf,
    },
    /// The file cannot be used.
    #[error("cannot open the store {path}: {source}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DiskError,
    },
    /// No member of etcd answers, or none answers as is needed.
    #[error("cannot open the store: {source}")]
    Etcd {
        /// Why.
        source: EtcdError,
    },
}

/// Not everything is sealed as was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Objects could not be read.
    #[error("the store cannot be read: {source}")]
    Read {
        /// Why.
        source: EtcdError,
    },
    /// Objects could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Whoever uses the store goes on to write as it was.
    #[error("control planes that run still write with another key than the first: {left} objects were found so")]
    Contended {
        /// How many.
        left: usize,
    },
}
