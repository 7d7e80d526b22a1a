//! The tracker behind its lock, and the wake-up of the status writer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::tracker::Tracker;

/// What the publisher, the discovery streams and the status writer share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    tracker: Mutex<Tracker>,
    changed: Notify,
    ready: watch::Sender<bool>,
    compiled: AtomicU64,
}

impl Shared {
    /// Reads.
    pub(crate) fn read(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes, and wakes whoever waits in [`Shared::changed`].
    pub(crate) fn update(&self, change: impl FnOnce(&mut Tracker)) {
        change(&mut self.read());
        self.changed.notify_one();
    }

    /// Waits for a change since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Everything up to `revision` has been compiled and published.
    pub(crate) fn set_compiled(&self, revision: u64) {
        self.compiled.store(revision, Ordering::Release);
    }

    /// The revision up to which everything has been compiled and published.
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Acquire)
    }

    /// Everything that the store holds has been compiled once.
    pub(crate) fn set_ready(&self) {
        self.ready.send_replace(true);
    }

    /// Whether everything that the store holds has been compiled once.
    pub(crate) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Waits until everything that the store holds has been compiled once.
    pub(crate) async fn ready(&self) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }
}
