//! A part of what is kept, behind a lock of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::HeaderMap;

use crate::budget::Budget;
use crate::stored::Stored;

/// Answers by their keys; under a key, one for each of the requests that it was asked with. What was used longest ago goes first.
#[derive(Debug)]
pub(crate) struct Shard {
    max_bytes: u64,
    max_items: u64,
    bytes: u64,
    entries: HashMap<Arc<str>, Vec<Kept>>,
    /// When each was used last: the key of the entry.
    used: BTreeMap<u64, Arc<str>>,
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    stored: Arc<Stored>,
    used: u64,
    bytes: u64,
}

/// Answers under one key, at most. Clients choose what tells them apart.
const MAX_VARIANTS: usize = 16;

impl Shard {
    pub(crate) fn new(max_bytes: u64, max_items: u64) -> Self {
        Self { max_bytes, max_items, bytes: 0, entries: HashMap::new(), used: BTreeMap::new(), clock: 0 }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn items(&self) -> usize {
        self.used.len()
    }

    /// The answer to a request, which has been used now.
    pub(crate) fn find(&mut self, key: &str, headers: &HeaderMap) -> Option<Arc<Stored>> {
        self.clock += 1;
        let (name, kept) = self.entries.get_key_value(key)?;
        let name = name.clone();
        let position = kept.iter().position(|kept| kept.stored.is_for(headers))?;
        let kept = self.entries.get_mut(key)?.get_mut(position)?;
        self.used.remove(&kept.used);
        kept.used = self.clock;
        self.used.insert(self.clock, name);
        Some(kept.stored.clone())
    }

    /// Keeps an answer in place of one to the same requests. Says how many went to make room, and whether there was any.
    pub(crate) fn keep(&mut self, key: &str, stored: Stored, headers: &HeaderMap, budget: &Budget) -> (u64, bool) {
        let bytes = stored.size() as u64 + 2 * key.len() as u64;
        self.remove_for(key, headers, budget);
        let mut evicted = 0;
        if bytes > self.max_bytes {
            return (evicted, false);
        }
        while self.entries.get(key).is_some_and(|kept| kept.len() >= MAX_VARIANTS) {
            let oldest = self.entries.get(key).and_then(|kept| kept.iter().map(|kept| kept.used).min());
            evicted += u64::from(oldest.is_some_and(|oldest| self.drop_at(oldest, budget)));
        }
        let is_full = |shard: &Self| shard.bytes + bytes > shard.max_bytes || shard.items() as u64 >= shard.max_items;
        while is_full(self) || !budget.take(bytes) {
            let Some(&oldest) = self.used.keys().next() else { return (evicted, false) };
            evicted += u64::from(self.drop_at(oldest, budget));
        }
        self.clock += 1;
        let name: Arc<str> = self.entries.get_key_value(key).map_or_else(|| Arc::from(key), |(name, _)| name.clone());
        self.used.insert(self.clock, name.clone());
        self.bytes += bytes;
        self.entries.entry(name).or_default().push(Kept { stored: Arc::new(stored), used: self.clock, bytes });
        (evicted, true)
    }

    /// Forgets the answer to a request.
    pub(crate) fn remove_for(&mut self, key: &str, headers: &HeaderMap, budget: &Budget) {
        let Some(kept) = self.entries.get(key) else { return };
        if let Some(used) = kept.iter().find(|kept| kept.stored.is_for(headers)).map(|kept| kept.used) {
            self.drop_at(used, budget);
        }
    }

    /// Forgets all answers under a key.
    pub(crate) fn remove(&mut self, key: &str, budget: &Budget) {
        for kept in self.entries.remove(key).unwrap_or_default() {
            self.used.remove(&kept.used);
            self.bytes -= kept.bytes;
            budget.give_back(kept.bytes, 1);
        }
    }

    fn drop_at(&mut self, used: u64, budget: &Budget) -> bool {
        let Some(key) = self.used.remove(&used) else { return false };
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let Some(position) = entry.iter().position(|kept| kept.used == used) else { return false };
        let kept = entry.swap_remove(position);
        if entry.is_empty() {
            self.entries.remove(&key);
        }
        self.bytes -= kept.bytes;
        budget.give_back(kept.bytes, 1);
        true
    }
}
