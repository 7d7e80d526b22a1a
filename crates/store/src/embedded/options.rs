//! The settings of an embedded store.

use std::time::Duration;

use backstay_seal::Keys;

use crate::{History, Limits, Retention};

/// The settings of an [`Embedded`](crate::Embedded) store. All have defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How large a commit may be.
    pub limits: Limits,
    /// How much of the past is kept, in memory and on disk, so that watches and paged lists go on after a restart. The
    /// disk may hold somewhat more: it is trimmed in steps.
    pub history: History,
    /// How long earlier views stay after they were asked for.
    pub retention: Retention,
    /// The most commits that wait to be written. Beyond it they are [`Unavailable`](crate::CommitError::Unavailable).
    /// Default 4,096.
    pub queue_commits: usize,
    /// The most bytes of keys and values that wait to be written. A commit larger than this alone is taken when nothing
    /// else waits. Default 64 MiB.
    pub queue_bytes: usize,
    /// The most commits that are written in one disk transaction. Default 1,024.
    pub group_commits: usize,
    /// The bytes of keys and values at which a disk transaction takes no further commit. Default 8 MiB.
    pub group_bytes: usize,
    /// Memory for pages of the file, in bytes. Reads do not use it: all objects are in memory. Default 16 MiB.
    pub cache_bytes: usize,
    /// After the disk refused a write, the time between attempts to write again. Default 1 second.
    pub recovery_interval: Duration,
    /// What values are sealed with in the file, each for its key; whatever was sealed earlier, or not at all, is read as well. Default
    /// nothing: they are written as they are.
    pub seal: Option<Keys>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            history: History::default(),
            retention: Retention::default(),
            queue_commits: 4096,
            queue_bytes: 64 << 20,
            group_commits: 1024,
            group_bytes: 8 << 20,
            cache_bytes: 16 << 20,
            recovery_interval: Duration::from_secs(1),
            seal: None,
        }
    }
}
