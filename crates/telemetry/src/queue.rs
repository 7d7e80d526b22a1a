//! What waits to be sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Counts, Signal};

/// How many go in one request.
pub(crate) const BATCH: usize = 512;

/// What waits to be sent, in lanes: whoever leaves something has one for itself, and meets nobody there but who takes it.
#[derive(Debug)]
pub struct Queue<T> {
    shared: Arc<Shared<T>>,
}

#[derive(Debug)]
struct Shared<T> {
    signal: Signal,
    /// How many each lane holds at most.
    capacity: usize,
    lanes: Mutex<Vec<Arc<Mutex<Vec<T>>>>>,
    counts: Arc<Counts>,
    full: Notify,
}

/// Where one thread leaves what is to be sent.
#[derive(Debug)]
pub struct Lane<T> {
    shared: Arc<Shared<T>>,
    items: Arc<Mutex<Vec<T>>>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Queue<T> {
    /// A queue without lanes, each of which will hold `capacity` at most.
    #[must_use]
    pub fn new(signal: Signal, capacity: usize, counts: Arc<Counts>) -> Self {
        let (lanes, full) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { signal, capacity, lanes, counts, full }) }
    }

    /// Another lane.
    #[must_use]
    pub fn lane(&self) -> Lane<T> {
        let items = Arc::<Mutex<Vec<T>>>::default();
        lock(&self.shared.lanes).push(Arc::clone(&items));
        Lane { shared: Arc::clone(&self.shared), items }
    }

    /// What waits, left as it is.
    #[must_use]
    pub fn waiting(&self) -> Vec<T>
    where
        T: Clone,
    {
        lock(&self.shared.lanes).iter().flat_map(|lane| lock(lane).clone()).collect()
    }

    /// Waits until there is enough in one lane for a request.
    pub(crate) async fn filled(&self) {
        self.shared.full.notified().await;
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Vec<T> {
        let lanes = lock(&self.shared.lanes).clone();
        lanes.iter().flat_map(|lane| std::mem::take(&mut *lock(lane))).collect()
    }
}

impl<T> Lane<T> {
    /// Leaves something; what there is no room for is dropped and counted.
    pub fn push(&self, item: T) {
        let count = {
            let mut items = lock(&self.items);
            if items.len() >= self.shared.capacity {
                drop(items);
                return self.shared.counts.of(self.shared.signal).no_room();
            }
            items.push(item);
            items.len()
        };
        if count == BATCH {
            self.shared.full.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
