//! What readers see: the newest view, the recent events, and earlier views on demand.
//!
//! Every implementation feeds one of these with commits that have happened, and answers reads and watches from it.

mod retained;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;

use self::retained::Retained;
pub use self::retained::Retention;
use crate::log::{Follower, History, Log, Record};
use crate::stats::Extent;
use crate::{Prefix, ReadError, Revision, Snapshot, Watch, WatchError, transition};

#[derive(Debug)]
pub(crate) struct Published {
    newest: ArcSwap<Snapshot>,
    log: Arc<Log>,
    retained: Mutex<Retained>,
}

impl Published {
    /// Begins with a view, and the commits that led from `floor` to it.
    pub(crate) fn new(
        snapshot: Snapshot,
        floor: Revision,
        records: Vec<Record>,
        history: History,
        retention: Retention,
    ) -> Self {
        let log = Arc::new(Log::new(floor, snapshot.revision(), records, history));
        Self { newest: ArcSwap::from_pointee(snapshot), log, retained: Mutex::new(Retained::new(retention)) }
    }

    /// Shows commits, and the view they lead to. Only one thread may do this at a time.
    pub(crate) fn publish(&self, snapshot: Snapshot, records: Vec<Record>) {
        let revision = snapshot.revision();
        self.log.append(records);
        self.newest.store(Arc::new(snapshot));
        // Last, so that whoever learns of a revision from a watch finds it in the newest view.
        self.log.announce(revision);
        self.retained.lock().unwrap_or_else(PoisonError::into_inner).expire(Instant::now());
    }

    /// Shows a view that does not follow from the one before: what led to it is not known. Watches end, and views of before are gone.
    pub(crate) fn restart(&self, snapshot: Snapshot) {
        let revision = snapshot.revision();
        self.newest.store(Arc::new(snapshot));
        self.log.restart(revision);
        self.retained.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until the newest view is at that revision. False where it has ended before.
    pub(crate) async fn reached(&self, revision: Revision) -> bool {
        self.log.reached(revision).await
    }

    pub(crate) fn close(&self) {
        self.log.close();
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.newest.load())
    }

    pub(crate) fn extent(&self) -> Extent {
        self.log.extent()
    }

    /// All events there are, and the revision after which they are complete.
    pub(crate) fn history(&self) -> (Revision, Vec<Record>) {
        self.log.all()
    }

    /// The view at an earlier revision: retained, or made by undoing the events since.
    pub(crate) fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        let newest = self.snapshot();
        let current = newest.revision();
        if revision > current {
            return Err(ReadError::Future { requested: revision, current });
        }
        if revision == current {
            return Ok(newest);
        }
        let now = Instant::now();
        let mut retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshot) = retained.get(revision, now) {
            return Ok(snapshot);
        }
        drop(retained);
        let snapshot = self.rewind(newest, revision)?;
        self.retained.lock().unwrap_or_else(PoisonError::into_inner).insert(snapshot.clone(), now);
        Ok(snapshot)
    }

    pub(crate) fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        let current = self.newest.load().revision();
        if after > current {
            return Err(WatchError::Future { requested: after, current });
        }
        let floor = self.log.extent().floor;
        if after < floor {
            return Err(WatchError::Compacted { requested: after, oldest: floor });
        }
        Ok(Box::new(Follower::new(Arc::clone(&self.log), prefix, after)))
    }

    fn rewind(&self, newest: Snapshot, revision: Revision) -> Result<Snapshot, ReadError> {
        let records = self
            .log
            .read(revision, newest.revision(), usize::MAX)
            .map_err(|oldest| ReadError::Compacted { requested: revision, oldest })?;
        let mut entries = newest.into_entries();
        transition::undo_all(&mut entries, &records);
        Ok(Snapshot::new(revision, entries))
    }
}
