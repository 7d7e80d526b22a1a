//! What calls of compositions pass, joined with what counts and keeps for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use backstay_balancer::Circuit;
use backstay_http_cache::{Bounds, Budget, Cache, Counts};
use backstay_limiter::{Bucket, Rate, Registry};
use backstay_model::route::composition as model;

/// What a call passes on its way.
#[derive(Debug)]
pub struct Passage {
    /// As it is configured.
    pub checked: Arc<model::Passage>,
    /// Of its breaker.
    pub circuit: Option<Arc<Circuit>>,
    /// Of its rate limit.
    pub bucket: Option<Arc<Bucket>>,
    /// Of its cache.
    pub cache: Option<Arc<Cache>>,
    /// From when circuit and bucket count time.
    origin: Instant,
}

/// Circuits and caches for longer than one configuration: whoever asks for one with the key and the settings of another gets the
/// same, as long as somebody has it.
#[derive(Debug)]
pub struct Passages {
    limiters: Arc<Registry>,
    circuits: Kept<(Arc<str>, backstay_balancer::CircuitSettings), Circuit>,
    caches: Kept<(Arc<str>, Bounds), Cache>,
    budget: Arc<Budget>,
}

/// What a cache holds where nothing is said, in bytes.
const CACHE_BYTES: u64 = 64 << 20;

impl Passages {
    /// Nothing yet. All caches together hold `cache_bytes`, of which is counted in `counts`. Buckets are those of `limiters`.
    #[must_use]
    pub fn new(cache_bytes: usize, counts: Arc<Counts>, limiters: Arc<Registry>) -> Self {
        let budget = Arc::new(Budget::new(cache_bytes as u64, counts));
        Self { limiters, circuits: Kept::default(), caches: Kept::default(), budget }
    }

    /// What is configured, with what there is for it: it counts on, whatever else has changed.
    #[must_use]
    pub fn join(&self, checked: &Arc<model::Passage>) -> Arc<Passage> {
        let origin = self.limiters.origin();
        let circuit = checked.breaker.as_ref().map(|breaker| {
            let key = (Arc::clone(&breaker.key), breaker.settings);
            self.circuits.get(key, || Circuit::new(breaker.settings, self.limiters.now()))
        });
        let bucket = checked.rate_limit.as_ref().map(|limit| {
            let rate = Rate::new(limit.rate, limit.every, limit.capacity);
            self.limiters.bucket(&limit.key, rate)
        });
        let cache = checked.cache.as_ref().map(|cache| {
            let max_bytes = cache.max_bytes.unwrap_or(CACHE_BYTES).min(self.budget.limit());
            let bounds = Bounds { max_bytes, max_items: cache.max_items };
            self.caches.get((Arc::clone(&cache.key), bounds), || Cache::new(bounds, Arc::clone(&self.budget)))
        });
        Arc::new(Passage { checked: Arc::clone(checked), circuit, bucket, cache, origin })
    }
}

impl Passage {
    /// Now, as its circuit and its bucket count time.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// What is there as long as somebody has it.
#[derive(Debug)]
struct Kept<K, T>(Mutex<HashMap<K, Weak<T>>>);

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, T> Kept<K, T> {
    /// What is there under `key`, or what is made.
    fn get(&self, key: K, make: impl FnOnce() -> T) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = kept.get(&key).and_then(Weak::upgrade) {
            return there;
        }
        kept.retain(|_, there| there.strong_count() > 0);
        let made = Arc::new(make());
        kept.insert(key, Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests;
