//! Links between objects that can be followed backwards: from what is referred to, to who refers to it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// From a key to a sorted set of values.
#[derive(Debug)]
pub(crate) struct Index<K, V>(HashMap<K, BTreeSet<V>>);

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V: Ord + Clone> Index<K, V> {
    /// Links `key` to `value`, or unlinks them.
    pub(crate) fn set(&mut self, key: K, value: &V, linked: bool) {
        if linked {
            self.0.entry(key).or_default().insert(value.clone());
        } else if let Entry::Occupied(mut values) = self.0.entry(key) {
            values.get_mut().remove(value);
            if values.get().is_empty() {
                values.remove();
            }
        }
    }

    /// What `key` is linked to, sorted.
    pub(crate) fn get(&self, key: &K) -> impl Iterator<Item = &V> {
        self.0.get(key).into_iter().flatten()
    }
}
