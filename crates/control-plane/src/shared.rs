//! The tracker behind its lock, and the wake-up of the status writer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::tracker::Tracker;

/// How far compiling has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Compiling {
    /// What the store holds is being compiled for the first time.
    #[default]
    Initial,
    /// Everything that the store holds has been compiled once.
    Ready,
    /// Changes are not compiled any more.
    Ended,
}

/// What the publisher, the discovery streams and the status writer share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    tracker: Mutex<Tracker>,
    changed: Notify,
    compiling: watch::Sender<Compiling>,
    compiled: AtomicU64,
    leaving: AtomicBool,
    /// Counts what is told of fleets and proxies, for those who follow it.
    moves: watch::Sender<u64>,
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
        self.tell();
    }

    /// Whoever begins to follow after this has found nobody reads what has changed by then.
    fn tell(&self) {
        if self.moves.receiver_count() > 0 {
            self.moves.send_modify(|moves| *moves += 1);
        }
    }

    /// Tells whoever follows fleets and proxies that they may have changed.
    pub(crate) fn moved(&self) -> watch::Receiver<u64> {
        self.moves.subscribe()
    }

    /// How far compiling has come, for those who follow it.
    pub(crate) fn follow_compiling(&self) -> watch::Receiver<Compiling> {
        self.compiling.subscribe()
    }

    /// Waits for a change since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Everything up to `revision` has been compiled and published.
    pub(crate) fn set_compiled(&self, revision: u64) {
        self.compiled.store(revision, Ordering::Release);
        self.tell();
    }

    /// The revision up to which everything has been compiled and published.
    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Acquire)
    }

    /// Compiling has come so far.
    pub(crate) fn set_compiling(&self, state: Compiling) {
        self.compiling.send_replace(state);
    }

    /// How far compiling has come.
    pub(crate) fn compiling(&self) -> Compiling {
        *self.compiling.borrow()
    }

    /// This process will end soon, and others should be asked.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether this process will end soon.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Waits until everything that the store holds has been compiled once. False when it never will be.
    pub(crate) async fn ready(&self) -> bool {
        let mut compiling = self.compiling.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let state = compiling.wait_for(|state| *state != Compiling::Initial).await;
        state.is_ok_and(|state| *state == Compiling::Ready)
    }

    /// Waits until changes are not compiled any more.
    pub(crate) async fn ended(&self) {
        let mut compiling = self.compiling.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = compiling.wait_for(|state| *state == Compiling::Ended).await;
    }
}

/// Does `work` until it is done or `stop` is said.
pub(crate) async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => (),
        () = work => (),
    }
}
