//! Places that are few, of which none is held for long while others wait.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

#[cfg(test)]
mod tests;

/// For how long a place is one's own.
const LEAST: Duration = Duration::from_millis(250);

/// Places for what each takes a file. Whoever comes when all are taken gets that of the one who has had one for longest, though not
/// before that one has had it for [`LEAST`]: however many wait for what never comes, the others get their turn.
#[derive(Debug)]
pub(super) struct Turns {
    places: Semaphore,
    /// One permit for each who waits and for whom nobody makes room yet.
    wanted: Semaphore,
}

/// One who waits.
struct Waiting<'a> {
    wanted: &'a Semaphore,
    served: bool,
}

/// One who has a place.
struct Place<'a> {
    wanted: &'a Semaphore,
    gives_way: bool,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Turns {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places), wanted: Semaphore::new(0) }
    }

    /// Does `work` in a place of its own. None if it had to give it up to another.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut place = self.take().await;
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.must_go() => {
                place.gives_way = true;
                None
            }
        }
    }

    async fn take(&self) -> Place<'_> {
        let permit = match self.places.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => {
                self.wanted.add_permits(1);
                let mut waiting = Waiting { wanted: &self.wanted, served: false };
                // Never closed: an error cannot happen.
                let permit = self.places.acquire().await.ok();
                waiting.served = true;
                permit
            }
        };
        Place { wanted: &self.wanted, gives_way: false, _permit: permit }
    }

    /// Ends when the place is wanted by another. Of those who ask, the one who has had a place for longest is told first.
    async fn must_go(&self) {
        tokio::time::sleep(LEAST).await;
        if let Ok(permit) = self.wanted.acquire().await {
            permit.forget();
        }
    }
}

/// Takes back one wish for a place, if there is any that nobody makes room for.
fn forget_one(wanted: &Semaphore) {
    if let Ok(permit) = wanted.try_acquire() {
        permit.forget();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.served {
            forget_one(self.wanted);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // A place that becomes free by itself serves one who waits as well.
        if !self.gives_way {
            forget_one(self.wanted);
        }
    }
}
