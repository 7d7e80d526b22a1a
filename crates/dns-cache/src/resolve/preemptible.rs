//! Permits that are few, of which none is held for long while others wait.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

#[cfg(test)]
mod tests;

/// For how long nobody has to give up a permit.
const LEAST: Duration = Duration::from_millis(250);

/// Permits for work that takes a file each. Whoever comes when all are taken gets that of the one who has had one for longest, though
/// not before that one has had it for [`LEAST`]: however many wait for what never comes, the others get theirs.
#[derive(Debug)]
pub(super) struct PreemptiblePermits {
    free: Semaphore,
    /// One permit for each who waits and for whom nobody makes room yet.
    wanted: Semaphore,
}

/// A caller that waits for a permit.
struct Waiter<'a> {
    wanted: &'a Semaphore,
    served: bool,
}

/// A permit that a caller has.
struct Permit<'a> {
    wanted: &'a Semaphore,
    gives_way: bool,
    _permit: Option<SemaphorePermit<'a>>,
}

impl PreemptiblePermits {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Semaphore::new(count), wanted: Semaphore::new(0) }
    }

    /// Does `work` with a permit of its own. None if it had to give it up to another.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut permit = self.take().await;
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.must_go() => {
                permit.gives_way = true;
                None
            }
        }
    }

    async fn take(&self) -> Permit<'_> {
        let permit = match self.free.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => {
                self.wanted.add_permits(1);
                let mut waiting = Waiter { wanted: &self.wanted, served: false };
                // Never closed: an error cannot happen.
                let permit = self.free.acquire().await.ok();
                waiting.served = true;
                permit
            }
        };
        Permit { wanted: &self.wanted, gives_way: false, _permit: permit }
    }

    /// Ends when the permit is wanted by another. Of those who ask, the one who has had one for longest is told first.
    async fn must_go(&self) {
        tokio::time::sleep(LEAST).await;
        if let Ok(permit) = self.wanted.acquire().await {
            permit.forget();
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

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // A permit that is given back by itself serves one who waits as well.
        if !self.gives_way {
            forget_one(self.wanted);
        }
    }
}
