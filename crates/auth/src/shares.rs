//! What is in flight at the same time, shared fairly between users.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How much of all that is in flight one user may have while others wait, in percent.
pub const DEFAULT_SHARE_PERCENT: usize = 50;
/// How long a request waits for room, whose user has less than its share.
pub const DEFAULT_SHARE_WAIT: Duration = Duration::from_secs(1);

/// Room for requests. One user may take all of it for as long as nobody else wants any; once others wait, no more than its share.
#[derive(Debug)]
pub struct Shares {
    limit: usize,
    share: usize,
    wait: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    by_user: HashMap<Arc<str>, usize>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    user: Arc<str>,
    granted: oneshot::Sender<()>,
}

/// There is no room: the limit is reached, or the user's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many requests are in flight as may be")]
pub struct NoRoom;

/// Room for one request, until it is dropped.
#[derive(Debug)]
pub struct Share<'a> {
    shares: &'a Shares,
    user: Arc<str>,
}

impl Shares {
    /// Room for `limit` requests, of which a user may have `percent` while others wait, for `wait` at most.
    #[must_use]
    pub fn new(limit: usize, percent: usize, wait: Duration) -> Self {
        let share = (limit.saturating_mul(percent) / 100).clamp(1, limit.max(1));
        Self { limit, share, wait, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for a request of this user. Waits where there is none and the user has less than its share.
    ///
    /// # Errors
    /// When there is none.
    pub async fn enter(&self, user: &str) -> Result<Share<'_>, NoRoom> {
        let (user, granted) = {
            let mut state = self.state();
            let (user, own) = match state.by_user.get_key_value(user) {
                Some((user, own)) => (Arc::clone(user), *own),
                None => (Arc::from(user), 0),
            };
            let others_wait = state.waiting.iter().any(|waiting| waiting.user != user);
            if state.open < self.limit && (own < self.share || !others_wait) {
                state.take(Arc::clone(&user));
                return Ok(Share { shares: self, user });
            }
            // Nobody waits who has a share, nor behind more than could be served next.
            if own >= self.share || state.waiting.len() >= self.limit {
                return Err(NoRoom);
            }
            let (sender, granted) = oneshot::channel();
            state.waiting.push_back(Waiting { user: Arc::clone(&user), granted: sender });
            (user, granted)
        };
        let mut place = Place { shares: self, user: Some(user), granted };
        let granted = tokio::time::timeout(self.wait, &mut place.granted).await;
        match (granted, place.user.take()) {
            (Ok(Ok(())), Some(user)) => Ok(Share { shares: self, user }),
            (_, user) => {
                // It may have come in the meantime.
                place.user = user;
                Err(NoRoom)
            }
        }
    }

    /// A request has ended: whoever has waited longest and has less than its share is next.
    fn leave(&self, user: &Arc<str>) {
        let mut state = self.state();
        state.give_back(user);
        while state.open < self.limit {
            let next = state
                .waiting
                .iter()
                .position(|waiting| state.by_user.get(&waiting.user).is_none_or(|own| *own < self.share));
            let Some(waiting) = next.and_then(|next| state.waiting.remove(next)) else { break };
            if waiting.granted.send(()).is_ok() {
                state.take(waiting.user);
            }
        }
    }
}

impl State {
    fn take(&mut self, user: Arc<str>) {
        self.open += 1;
        *self.by_user.entry(user).or_insert(0) += 1;
    }

    fn give_back(&mut self, user: &Arc<str>) {
        self.open = self.open.saturating_sub(1);
        if let Some(own) = self.by_user.get_mut(user) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.by_user.remove(user);
            }
        }
    }
}

/// A place among those that wait. Given up when it is dropped; what was granted meanwhile goes to the next.
struct Place<'a> {
    shares: &'a Shares,
    user: Option<Arc<str>>,
    granted: oneshot::Receiver<()>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(user) = self.user.take() else { return };
        // Nothing is granted to it from here on; what was is given back.
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            self.shares.leave(&user);
        } else {
            self.shares.state().waiting.retain(|waiting| !waiting.granted.is_closed());
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.shares.leave(&self.user);
    }
}

#[cfg(test)]
mod tests;
