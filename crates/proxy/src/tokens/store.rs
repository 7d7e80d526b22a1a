//! Keys that are fetched, from one version of a rule to the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_model::route::guards::RemoteKeySet;

use super::RemoteKeys;

/// The sets that rules use: those that ask for the same share them, and what was fetched outlives a change of everything else.
/// What no rule uses any more is forgotten.
#[derive(Debug, Default)]
pub struct KeyStore(Mutex<HashMap<RemoteKeySet, Weak<RemoteKeys>>>);

impl KeyStore {
    /// The keys of `source`.
    pub fn get(&self, source: &RemoteKeySet) -> Arc<RemoteKeys> {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sets.get(source).and_then(Weak::upgrade) {
            return known;
        }
        sets.retain(|_, set| set.strong_count() > 0);
        let keys = RemoteKeys::new(source.clone());
        sets.insert(source.clone(), Arc::downgrade(&keys));
        keys
    }
}
