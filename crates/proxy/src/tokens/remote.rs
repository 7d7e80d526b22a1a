//! Keys that are fetched, and who fetches them.
//!
//! All that use one set share it, whichever thread they are on. The first request that needs what is not there takes the turn to
//! fetch, the others wait for it. A fetch replaces the whole set: a key that its owner has withdrawn verifies nothing any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use backstay_model::route::guards::RemoteKeySet;
use backstay_token::{KeySet, Refusal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::KeyRing;

/// How long after a fetch that failed nobody fetches.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How many requests wait for one fetch. More are refused: each holds a connection, and anyone can send a token.
const MAX_WAITING: usize = 1024;

/// Keys that are fetched.
#[derive(Debug)]
pub struct RemoteKeys {
    source: RemoteKeySet,
    held: ArcSwapOption<Held>,
    turn: Mutex<Turn>,
    /// Counts the fetches that have ended.
    ended: watch::Sender<u64>,
}

/// Keys as they were fetched.
#[derive(Debug)]
pub struct Held {
    /// The keys.
    pub ring: KeyRing,
    fetched: Instant,
}

#[derive(Debug, Default)]
struct Turn {
    fetching: bool,
    /// When the last fetch ended, and whether it brought keys.
    last: Option<(Instant, bool)>,
    waiting: usize,
}

/// What there is of the keys that a token needs.
#[derive(Debug)]
pub enum Lookup {
    /// These keys.
    Ready(Arc<Held>),
    /// These keys, which will soon be too old: this is a good moment to fetch.
    Ageing(Arc<Held>),
    /// Nothing before the next fetch has ended.
    Missing,
    /// Nothing, and it is too early to fetch.
    Refused(Refusal),
}

/// The turn to fetch. Dropped, the fetch has failed.
#[derive(Debug)]
pub struct Fetch {
    keys: Arc<RemoteKeys>,
    done: bool,
}

/// A request that waits for a fetch.
#[derive(Debug)]
pub struct Waiting {
    keys: Arc<RemoteKeys>,
    ended: watch::Receiver<u64>,
}

impl RemoteKeys {
    /// Keys of `source`, none of which has been fetched.
    #[must_use]
    pub fn new(source: RemoteKeySet) -> Arc<Self> {
        Arc::new(Self { source, held: ArcSwapOption::empty(), turn: Mutex::default(), ended: watch::Sender::new(0) })
    }

    /// Where they come from.
    #[must_use]
    pub const fn source(&self) -> &RemoteKeySet {
        &self.source
    }

    /// The keys to verify a token with that names the key `id`.
    #[must_use]
    pub fn look(&self, id: &str, now: Instant) -> Lookup {
        let held = self.held.load_full();
        let cache = self.source.cache;
        if let Some(held) = held {
            let age = now.saturating_duration_since(held.fetched);
            if age < cache && held.ring.keys().has(id) {
                return if age < cache / 4 * 3 { Lookup::Ready(held) } else { Lookup::Ageing(held) };
            }
            if age < cache && age < self.source.cooldown {
                return Lookup::Refused(Refusal::UnknownKey);
            }
        }
        match self.turn().last {
            Some((ended, false)) if now.saturating_duration_since(ended) < BACK_OFF => Lookup::Refused(Refusal::NoKeys),
            _ => Lookup::Missing,
        }
    }

    /// Takes the turn to fetch, unless another has it or one has just failed.
    #[must_use]
    pub fn take_turn(self: &Arc<Self>, now: Instant) -> Option<Fetch> {
        let mut turn = self.turn();
        let failed = matches!(turn.last, Some((ended, false)) if now.saturating_duration_since(ended) < BACK_OFF);
        if failed || std::mem::replace(&mut turn.fetching, true) {
            return None;
        }
        Some(Fetch { keys: Arc::clone(self), done: false })
    }

    /// Waits for the end of a fetch that has not ended yet. `None` when too many wait.
    #[must_use]
    pub fn wait(self: &Arc<Self>) -> Option<Waiting> {
        let mut turn = self.turn();
        if turn.waiting >= MAX_WAITING {
            return None;
        }
        turn.waiting += 1;
        Some(Waiting { keys: Arc::clone(self), ended: self.ended.subscribe() })
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, now: Instant, keys: Option<KeySet>) {
        let brought = keys.is_some();
        if let Some(keys) = keys {
            self.held.store(Some(Arc::new(Held { ring: KeyRing::new(keys), fetched: now })));
        }
        {
            let mut turn = self.turn();
            turn.fetching = false;
            turn.last = Some((now, brought));
        }
        self.ended.send_modify(|count| *count += 1);
    }
}

impl Fetch {
    /// The fetch has brought these keys.
    pub fn finish(mut self, keys: KeySet) {
        self.done = true;
        self.keys.end(Instant::now(), Some(keys));
    }

    /// What is fetched.
    #[must_use]
    pub fn source(&self) -> &RemoteKeySet {
        &self.keys.source
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if !self.done {
            self.keys.end(Instant::now(), None);
        }
    }
}

impl Waiting {
    /// The end of the fetch.
    pub async fn end(mut self) {
        // The sender is in the keys, which this holds.
        let _ = self.ended.changed().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.keys.turn().waiting -= 1;
    }
}

#[cfg(test)]
mod tests;
