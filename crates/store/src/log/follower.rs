//! A watch: a position in the log.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::coop;

use super::{Log, Progress, Record};
use crate::{Event, Prefix, Revision, Watch, WatchError};

/// The most events that are looked at in one [`Watch::next`], unless a single commit has more.
const BATCH: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Follower {
    log: Arc<Log>,
    progress: watch::Receiver<Progress>,
    prefix: Prefix,
    position: Revision,
    /// The log's, when this began.
    era: u64,
}

impl Follower {
    pub(crate) fn new(log: Arc<Log>, prefix: Prefix, after: Revision) -> Self {
        let progress = log.progress.subscribe();
        let era = progress.borrow().era;
        Self { log, progress, prefix, position: after, era }
    }

    async fn advance(&mut self) -> Result<Vec<Event>, WatchError> {
        // A consumer far behind is always ready: without this it would keep its thread from other tasks.
        coop::consume_budget().await;
        loop {
            let progress = *self.progress.borrow_and_update();
            if progress.era != self.era {
                return Err(WatchError::Compacted { requested: self.position, oldest: progress.revision });
            }
            if progress.revision > self.position {
                let requested = self.position;
                let records = self
                    .log
                    .read(requested, progress.revision, BATCH)
                    .map_err(|oldest| WatchError::Compacted { requested, oldest })?;
                self.position = records.last().map_or(progress.revision, |record| record.revision);
                return Ok(self.matching(&records));
            }
            if progress.closed {
                return Err(WatchError::Closed);
            }
            self.progress.changed().await.map_err(|_| WatchError::Closed)?;
        }
    }

    fn matching(&self, records: &[Record]) -> Vec<Event> {
        let events = records.iter().flat_map(|record| record.events.iter());
        events.filter(|event| self.prefix.contains(&event.change.entry().key)).cloned().collect()
    }
}

impl Watch for Follower {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Event>, WatchError>> {
        Box::pin(self.advance())
    }

    fn revision(&self) -> Revision {
        self.position
    }
}
