//! The recent events, and the watches that follow them.
//!
//! There is one log for all watches. A [`Watch`](crate::Watch) is a position in it, so a consumer that stops reading costs
//! nothing and slows nobody: it is told [`WatchError::Compacted`](crate::WatchError::Compacted) once the log has moved past it.

mod follower;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

pub(crate) use self::follower::Follower;
use crate::stats::Extent;
use crate::{Change, Event, Revision};

#[cfg(test)]
mod tests;

/// How much of the past is kept: to resume watches, and to continue paged lists. The oldest commits are forgotten when
/// either limit is passed; the newest commit is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Default 100,000.
    pub events: usize,
    /// Bytes of keys and values of events, counting a value whole and once for each event that shows it. In memory they take less
    /// where objects are alike. Default 64 MiB.
    pub bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { events: 100_000, bytes: 64 << 20 }
    }
}

/// One commit in the log.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) revision: Revision,
    pub(crate) events: Arc<[Event]>,
}

impl Record {
    /// What it counts against [`History::bytes`].
    pub(crate) fn bytes(&self) -> usize {
        self.events.iter().map(|event| weight(&event.change)).sum()
    }
}

/// How far the log is readable.
#[derive(Debug, Clone, Copy)]
struct Progress {
    revision: Revision,
    closed: bool,
    /// Counts how often the log has begun anew.
    era: u64,
}

#[derive(Debug)]
pub(crate) struct Log {
    records: RwLock<Records>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct Records {
    queue: VecDeque<Record>,
    extent: Extent,
    limits: History,
}

impl Log {
    /// A log that is complete after `floor` and reaches up to `revision`.
    pub(crate) fn new(floor: Revision, revision: Revision, records: Vec<Record>, limits: History) -> Self {
        let extent = Extent { floor, events: 0, bytes: 0 };
        let mut log = Records { queue: VecDeque::with_capacity(records.len()), extent, limits };
        log.append(records);
        Self { records: RwLock::new(log), progress: watch::Sender::new(Progress { revision, closed: false, era: 0 }) }
    }

    /// Adds commits. Watches see them from [`Log::announce`] on.
    pub(crate) fn append(&self, records: Vec<Record>) {
        self.records.write().unwrap_or_else(PoisonError::into_inner).append(records);
    }

    /// Wakes the watches: everything up to `revision` may be read.
    pub(crate) fn announce(&self, revision: Revision) {
        self.progress.send_modify(|progress| progress.revision = revision);
    }

    /// Forgets everything, and goes on at `revision`, which may be lower than what there was. Watches are told that they have missed
    /// something, unless they are given the time to read up to here before.
    pub(crate) fn restart(&self, revision: Revision) {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        records.queue.clear();
        records.extent = Extent { floor: revision, events: 0, bytes: 0 };
        drop(records);
        self.progress.send_modify(|progress| {
            progress.revision = revision;
            progress.era += 1;
        });
    }

    /// Waits until the log is at that revision. False where it has ended before.
    pub(crate) async fn reached(&self, revision: Revision) -> bool {
        let mut progress = self.progress.subscribe();
        let there = progress.wait_for(|progress| progress.closed || progress.revision >= revision).await;
        there.is_ok_and(|progress| progress.revision >= revision)
    }

    /// Ends the watches once they have read what there is.
    pub(crate) fn close(&self) {
        self.progress.send_modify(|progress| progress.closed = true);
    }

    pub(crate) fn extent(&self) -> Extent {
        self.records.read().unwrap_or_else(PoisonError::into_inner).extent
    }

    /// Every commit there is, and the revision after which they are complete.
    pub(crate) fn all(&self) -> (Revision, Vec<Record>) {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        (records.extent.floor, records.queue.iter().cloned().collect())
    }

    /// The commits after one revision and up to another: as many whole ones as have `limit` events or a few more. The error
    /// is the oldest revision after which there are any, when that is later.
    pub(crate) fn read(&self, after: Revision, until: Revision, limit: usize) -> Result<Vec<Record>, Revision> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let floor = records.extent.floor;
        if after < floor {
            return Err(floor);
        }
        let start = records.queue.partition_point(|record| record.revision <= after);
        let mut taken = Vec::new();
        let mut events = 0;
        for record in records.queue.range(start..).take_while(|record| record.revision <= until) {
            if !taken.is_empty() && events + record.events.len() > limit {
                break;
            }
            events += record.events.len();
            taken.push(record.clone());
        }
        Ok(taken)
    }
}

impl Records {
    fn append(&mut self, records: Vec<Record>) {
        for record in records {
            self.extent.events += record.events.len();
            self.extent.bytes += record.bytes();
            self.queue.push_back(record);
        }
        while self.queue.len() > 1 && self.is_full() {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.extent.events -= oldest.events.len();
            self.extent.bytes -= oldest.bytes();
            self.extent.floor = oldest.revision;
        }
    }

    fn is_full(&self) -> bool {
        self.extent.events > self.limits.events || self.extent.bytes > self.limits.bytes
    }
}

/// The event, its share of the log, and the entries it may be the last to hold.
fn weight(change: &Change) -> usize {
    const OVERHEAD: usize = 160;
    let shown = change.entry();
    let previous = match change {
        Change::Updated { previous, .. } => previous.value.len(),
        Change::Created(_) | Change::Deleted(_) => 0,
    };
    OVERHEAD + shown.key.as_str().len() + shown.value.len() + previous
}
