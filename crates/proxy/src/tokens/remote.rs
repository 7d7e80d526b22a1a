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

impl Turn {
    fn has_just_failed(&self, now: Instant) -> bool {
        matches!(self.last, Some((ended, false)) if now.saturating_duration_since(ended) < BACK_OFF)
    }
}

/// Why a request does not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoWait {
    /// A fetch has just failed.
    JustFailed,
    /// As many wait as may.
    Crowded,
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
        if self.turn().has_just_failed(now) { Lookup::Refused(Refusal::NoKeys) } else { Lookup::Missing }
    }

    /// The keys that are not too old, and whether this is a good moment to fetch.
    #[must_use]
    pub fn fresh(&self, now: Instant) -> Option<(Arc<Held>, bool)> {
        let held = self.held.load_full()?;
        let age = now.saturating_duration_since(held.fetched);
        (age < self.source.cache).then_some((held, age >= self.source.cache / 4 * 3))
    }

    /// Takes the turn to fetch, unless another has it or one has just failed.
    #[must_use]
    pub fn take_turn(self: &Arc<Self>, now: Instant) -> Option<Fetch> {
        let mut turn = self.turn();
        if turn.has_just_failed(now) || std::mem::replace(&mut turn.fetching, true) {
            return None;
        }
        Some(Fetch { keys: Arc::clone(self), done: false })
    }

    /// Waits for the end of a fetch, and takes the turn if nobody has it.
    ///
    /// # Errors
    /// When there is nothing to wait for: a fetch has just failed, or too many wait.
    pub fn wait(self: &Arc<Self>, now: Instant) -> Result<(Waiting, Option<Fetch>), NoWait> {
        let mut turn = self.turn();
        if turn.has_just_failed(now) && !turn.fetching {
            return Err(NoWait::JustFailed);
        }
        if turn.waiting >= MAX_WAITING {
            return Err(NoWait::Crowded);
        }
        turn.waiting += 1;
        // Whoever fetches tells of the end after it has given back the turn: subscribed before, nobody misses it.
        let waiting = Waiting { keys: Arc::clone(self), ended: self.ended.subscribe() };
        let fetch = !std::mem::replace(&mut turn.fetching, true);
        Ok((waiting, fetch.then(|| Fetch { keys: Arc::clone(self), done: false })))
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
