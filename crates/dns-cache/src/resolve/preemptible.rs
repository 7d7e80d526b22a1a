//! Permits that are few, of which none is held for long while others wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

#[cfg(test)]
mod tests;

/// For how long nobody has to give up a permit.
const LEAST: Duration = Duration::from_millis(250);

/// Permits for work that takes a file each. Whoever comes when all are taken gets that of the one who has had one for longest, though
/// not before that one has had it for [`LEAST`]; of those who wait, the one who came last is the first. However many wait for what
/// never comes, who comes after them is held up for no longer than that, and they wait behind it.
#[derive(Debug)]
pub(super) struct PreemptiblePermits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// One permit for each who waits and for whom nobody makes room yet.
    wanted: Semaphore,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// In the order in which they came. Some may have left.
    waiting: Vec<oneshot::Sender<Permit>>,
}

/// A caller that waits for a permit.
struct Waiter<'a> {
    wanted: &'a Semaphore,
    served: bool,
}

/// A permit that a caller has, or is about to be given.
#[derive(Debug)]
struct Permit {
    inner: Arc<Inner>,
    /// Whether the wish of the one who gets it next has been seen to.
    gives_way: bool,
}

impl PreemptiblePermits {
    pub(super) fn new(count: usize) -> Self {
        let state = Mutex::new(State { free: count, waiting: Vec::new() });
        Self(Arc::new(Inner { state, wanted: Semaphore::new(0) }))
    }

    /// Does `work` with a permit of its own. None if it had to give it up to another.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut permit = self.take().await?;
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.must_go() => {
                permit.gives_way = true;
                None
            }
        }
    }

    /// None never comes: whoever drops a place in the queue serves it.
    async fn take(&self) -> Option<Permit> {
        let place = {
            let mut state = self.0.state();
            if let Some(fewer) = state.free.checked_sub(1) {
                state.free = fewer;
                return Some(Permit { inner: Arc::clone(&self.0), gives_way: false });
            }
            let (served, place) = oneshot::channel();
            // Those who have left would otherwise be kept until it is their turn.
            state.waiting.retain(|waiting| !waiting.is_closed());
            state.waiting.push(served);
            place
        };
        self.0.wanted.add_permits(1);
        let mut waiting = Waiter { wanted: &self.0.wanted, served: false };
        let mut permit = place.await.ok()?;
        waiting.served = true;
        permit.gives_way = false;
        Some(permit)
    }

    /// Ends when the permit is wanted by another. Of those who ask, the one who has had one for longest is told first.
    async fn must_go(&self) {
        tokio::time::sleep(LEAST).await;
        if let Ok(permit) = self.0.wanted.acquire().await {
            permit.forget();
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a permit to the one who came last, or keeps it for the next who comes.
    fn give_back(self: &Arc<Self>) {
        let next = {
            let mut state = self.state();
            let next = loop {
                match state.waiting.pop() {
                    Some(gone) if gone.is_closed() => {}
                    next => break next,
                }
            };
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // One who leaves before it is taken drops it, and so gives it to another.
            let _ = next.send(Permit { inner: Arc::clone(self), gives_way: true });
        }
    }
}

/// Takes back one wish for a permit, if there is any that nobody makes room for.
fn forget_one(wanted: &Semaphore) {
    if let Ok(permit) = wanted.try_acquire() {
        permit.forget();
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if !self.served {
            forget_one(self.wanted);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // A permit that is given back by itself serves one who waits as well.
        if !self.gives_way {
            forget_one(&self.inner.wanted);
        }
        self.inner.give_back();
    }
}
