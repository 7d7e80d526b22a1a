//! Which fleets need a resource: counted, so that the last user to go takes the resource along.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// How many users each resource has in each fleet, and where that or the resource itself changed.
#[derive(Debug)]
pub(crate) struct FleetRefs<K> {
    users: HashMap<K, BTreeMap<Arc<str>, usize>>,
    touched: BTreeSet<(K, Arc<str>)>,
}

impl<K> Default for FleetRefs<K> {
    fn default() -> Self {
        Self { users: HashMap::new(), touched: BTreeSet::new() }
    }
}

impl<K: Hash + Ord + Clone> FleetRefs<K> {
    /// One user more.
    pub(crate) fn add(&mut self, key: &K, fleet: &Arc<str>) {
        *self.users.entry(key.clone()).or_default().entry(fleet.clone()).or_default() += 1;
        self.touched.insert((key.clone(), fleet.clone()));
    }

    /// One user less.
    pub(crate) fn release(&mut self, key: &K, fleet: &Arc<str>) {
        if let Some(fleets) = self.users.get_mut(key) {
            if let Some(count) = fleets.get_mut(fleet) {
                *count -= 1;
                if *count == 0 {
                    fleets.remove(fleet);
                }
            }
            if fleets.is_empty() {
                self.users.remove(key);
            }
        }
        self.touched.insert((key.clone(), fleet.clone()));
    }

    /// The resource changed: wherever it is needed, it must be looked at.
    pub(crate) fn touch(&mut self, key: &K) {
        let fleets = self.users.get(key).into_iter().flat_map(BTreeMap::keys);
        self.touched.extend(fleets.map(|fleet| (key.clone(), fleet.clone())));
    }

    /// The fleets that need it, sorted.
    pub(crate) fn fleets(&self, key: &K) -> impl Iterator<Item = &Arc<str>> {
        self.users.get(key).into_iter().flat_map(BTreeMap::keys)
    }

    /// Whether `fleet` needs it.
    pub(crate) fn contains(&self, key: &K, fleet: &Arc<str>) -> bool {
        self.users.get(key).is_some_and(|fleets| fleets.contains_key(fleet))
    }

    /// Whether any fleet needs it.
    pub(crate) fn any(&self, key: &K) -> bool {
        self.users.contains_key(key)
    }

    /// Takes what must be looked at.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<(K, Arc<str>)> {
        std::mem::take(&mut self.touched)
    }
}
