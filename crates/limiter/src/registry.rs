//! Buckets by what they limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use crate::{Bucket, ClientCounts, Clients, Moment, Rate};

/// Buckets for longer than one configuration: whoever asks for one with the key and the rate of another gets the same, as long as
/// somebody has it.
#[derive(Debug)]
pub struct Registry {
    origin: Instant,
    clients: Arc<Clients>,
    buckets: Mutex<HashMap<(Arc<str>, Rate), Weak<Bucket>>>,
}

impl Registry {
    /// No buckets, and room for those of `most_clients`, of which is counted in `counts`.
    #[must_use]
    pub fn new(most_clients: usize, counts: Arc<ClientCounts>) -> Self {
        Self {
            origin: Instant::now(),
            clients: Arc::new(Clients::new(most_clients, counts)),
            buckets: Mutex::default(),
        }
    }

    /// From when its buckets count time.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Now, as its buckets count time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    /// The buckets of clients.
    #[must_use]
    pub fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    /// The bucket for `key`.
    pub fn bucket(&self, key: &Arc<str>, rate: Rate) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (Arc::clone(key), rate);
        if let Some(bucket) = buckets.get(&known).and_then(Weak::upgrade) {
            return bucket;
        }
        buckets.retain(|_, bucket| bucket.strong_count() > 0);
        let bucket = Arc::new(Bucket::new(rate, self.now()));
        buckets.insert(known, Arc::downgrade(&bucket));
        bucket
    }
}

#[cfg(test)]
mod tests;
