//! Where the hashing policies place requests. Tables are large and the same for all threads, which share them.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crate::config::{LoadBalancing, Policy};
use crate::endpoint::Endpoint;

mod maglev;
mod ring;
#[cfg(test)]
mod tests;

use maglev::MaglevTable;
use ring::Ring;

/// Ports that places are kept for. A backend that is reached at more has its places computed again and again.
pub(crate) const MAX_PORTS: usize = 8;

/// Endpoints with their shares, which add up to 1.
type Shares = Vec<(u32, f64)>;

/// Places of endpoints by hash.
#[derive(Debug)]
pub(crate) struct HashTable {
    members: Vec<u32>,
    places: Places,
}

#[derive(Debug)]
enum Places {
    Ring(Ring),
    Maglev(MaglevTable),
}

impl HashTable {
    fn new(endpoints: &[Endpoint], config: &LoadBalancing, members: &[u32], port: u16) -> Self {
        let shares = shares(endpoints, members, config.locality_weighted);
        let members = shares.iter().map(|(index, _)| *index).collect();
        let keys: Vec<Arc<str>> = endpoints.iter().map(|endpoint| endpoint.spec.place(port)).collect();
        let key = |index: u32| &*keys[index as usize];
        let places = match &config.policy {
            Policy::Maglev(maglev) => Places::Maglev(MaglevTable::new(shares, key, maglev.table_size)),
            Policy::RingHash(ring) => Places::Ring(Ring::new(&shares, key, ring.minimum_size, ring.maximum_size)),
            Policy::RoundRobin | Policy::LeastRequest(_) | Policy::Random => Places::Ring(Ring::default()),
        };
        Self { members, places }
    }

    pub(crate) fn members(&self) -> &[u32] {
        &self.members
    }

    /// The endpoint for `hash`; `attempt` counts those that were not wanted.
    pub(crate) fn pick(&self, hash: u64, attempt: usize) -> Option<u32> {
        match &self.places {
            Places::Ring(ring) => ring.pick(hash, attempt),
            Places::Maglev(table) => table.pick(hash, attempt),
        }
    }
}

/// Endpoints of one priority, by index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    /// Healthy ones, or in panic all.
    pub(crate) usable: &'a [u32],
    pub(crate) degraded: &'a [u32],
}

/// Of one priority.
#[derive(Debug)]
pub(crate) struct PriorityTables {
    pub(crate) usable: Arc<HashTable>,
    pub(crate) degraded: Arc<HashTable>,
}

#[derive(Debug)]
struct Built {
    /// The generation, and the port of the requests where it makes a difference.
    of: (u64, u16),
    config: Arc<LoadBalancing>,
    levels: Arc<[PriorityTables]>,
}

/// The latest tables of a set, by port.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    built: Mutex<Vec<Built>>,
    /// Ports that the set before had tables for. Nothing stands for port 0 alone, which is so of most backends.
    expected: Box<[u16]>,
}

impl Tables {
    /// None yet, for a set that takes the place of that of these.
    pub(crate) fn successor(&self) -> Self {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let mut expected: Box<[u16]> = built.iter().map(|built| built.of.1).collect();
        if expected.is_empty() {
            expected.clone_from(&self.expected);
        }
        Self { built: Mutex::default(), expected }
    }

    /// Ports that requests are likely to go to.
    pub(crate) fn expected(&self) -> &[u16] {
        if self.expected.is_empty() { &[0] } else { &self.expected }
    }

    /// Whether a thread that asks would wait.
    pub(crate) fn are_being_built(&self) -> bool {
        matches!(self.built.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Tables for `levels`, the priorities as of a generation, and a port: built by the first thread that asks, while others that ask
    /// wait.
    pub(crate) fn get(
        &self,
        endpoints: &[Endpoint],
        config: &Arc<LoadBalancing>,
        of: (u64, u16),
        levels: &[Candidates<'_>],
    ) -> Arc<[PriorityTables]> {
        let mut latest = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |built: &&Built| built.of == of && (Arc::ptr_eq(&built.config, config) || built.config == *config);
        if let Some(built) = latest.iter().find(is_it) {
            return Arc::clone(&built.levels);
        }
        let table = |members: &[u32]| Arc::new(HashTable::new(endpoints, config, members, of.1));
        let tables =
            |level: &Candidates<'_>| PriorityTables { usable: table(level.usable), degraded: table(level.degraded) };
        let levels: Arc<[PriorityTables]> = levels.iter().map(tables).collect();
        // Those of an earlier generation, or of another configuration, nobody asks for again.
        latest.retain(|built| built.of.0 == of.0 && built.of.1 != of.1);
        if latest.len() >= MAX_PORTS {
            latest.remove(0);
        }
        latest.push(Built { of, config: Arc::clone(config), levels: Arc::clone(&levels) });
        levels
    }
}

/// Shares of `members` by weight, within those of their localities if these are weighted.
fn shares(endpoints: &[Endpoint], members: &[u32], by_locality: bool) -> Shares {
    let spec = |index: &u32| &endpoints[*index as usize];
    let weight = |index: &u32| f64::from(spec(index).weight());
    let flat = || {
        let sum: f64 = members.iter().map(weight).sum();
        members.iter().map(|index| (*index, weight(index) / sum)).collect()
    };
    if !by_locality {
        return flat();
    }
    let mut localities = std::collections::HashMap::<u32, (u32, f64)>::new();
    for index in members {
        let locality = spec(index).spec.locality;
        localities.entry(locality.id).or_insert((locality.weight, 0.0)).1 += weight(index);
    }
    let sum: f64 = localities.values().map(|(share, _)| f64::from(*share)).sum();
    if sum == 0.0 {
        return flat();
    }
    let share = |index: &u32| {
        let (locality, of) = localities.get(&spec(index).spec.locality.id)?;
        let share = f64::from(*locality) / sum * weight(index) / of;
        (share > 0.0).then_some((*index, share))
    };
    members.iter().filter_map(share).collect()
}
