//! Endpoints that may be used alike, by locality where localities have weights.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::SmallRng;

use super::order::{BuildContext, Hosts, Pick};
use crate::edf::Schedule;
use crate::set::EndpointSet;
use crate::table::HashTable;

/// Endpoints of a priority that may be used alike.
#[derive(Debug)]
pub(super) enum Group {
    Flat(Hosts),
    Localities { turns: Schedule, hosts: Vec<Hosts> },
    Hashed(Arc<HashTable>),
}

impl Group {
    pub(super) const fn hashed(table: Arc<HashTable>) -> Self {
        Self::Hashed(table)
    }

    /// The members `usable`. `all` members of the priority are given when localities are weighted: a locality whose members
    /// are not all usable takes less.
    pub(super) fn ordered(context: &BuildContext<'_>, all: Option<&[u32]>, usable: &[u32], rng: &mut SmallRng) -> Self {
        let localities = all.map(|all| localities(context.set, all, usable)).unwrap_or_default();
        let shares = shares(&localities, context.config.overprovisioning_factor);
        let mut hosts = |members: Vec<u32>| Hosts::new(context, members, rng);
        // No locality has a share: they are not told apart.
        if shares.iter().all(|share| *share == 0) {
            return Self::Flat(hosts(usable.to_vec()));
        }
        // Those without a share are not there, even for a request that has tried all others.
        let sharing = localities.into_iter().zip(&shares).filter(|(_, share)| **share > 0);
        let hosts = sharing.map(|(locality, _)| hosts(locality.usable)).collect();
        let shares = shares.iter().copied().filter(|share| *share > 0);
        Self::Localities { turns: Schedule::new(shares, rng.random()), hosts }
    }

    /// An endpoint; `attempt` counts those that were not wanted.
    pub(super) fn pick(&mut self, pick: &mut Pick<'_>, attempt: usize) -> Option<u32> {
        match self {
            Self::Flat(hosts) => hosts.pick(pick),
            Self::Localities { turns, hosts } => hosts.get_mut(turns.next()? as usize)?.pick(pick),
            Self::Hashed(table) => table.pick(pick.hash, attempt),
        }
    }

    /// An endpoint that is none of `exclude`, if there is one.
    pub(super) fn pick_other(&mut self, pick: &mut Pick<'_>, exclude: &[usize]) -> Option<u32> {
        let fits = |index: &u32| !exclude.contains(&(*index as usize));
        let first = self.pick(pick, 0)?;
        if fits(&first) {
            return Some(first);
        }
        for attempt in 1..=exclude.len() {
            if let Some(other) = self.pick(pick, attempt).filter(fits) {
                return Some(other);
            }
        }
        // The policy keeps coming back: whatever is next to a random one.
        let members: &[u32] = match self {
            Self::Flat(hosts) => hosts.members(),
            Self::Localities { hosts, .. } => {
                let start = pick.rng.random_range(0..hosts.len());
                let (before, after) = hosts.split_at(start);
                let found = after.iter().chain(before).flat_map(Hosts::members).copied().find(fits);
                return found.or(Some(first));
            }
            Self::Hashed(table) => table.members(),
        };
        let (before, after) = members.split_at(pick.rng.random_range(0..members.len()));
        after.iter().chain(before).copied().find(fits).or(Some(first))
    }
}

struct Members {
    id: u32,
    weight: u32,
    total: u64,
    usable: Vec<u32>,
}

fn localities(set: &EndpointSet, all: &[u32], usable: &[u32]) -> Vec<Members> {
    let mut localities: Vec<Members> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for index in all {
        let locality = set.endpoints()[*index as usize].spec.locality;
        let at = *places.entry(locality.id).or_insert_with(|| {
            localities.push(Members { id: locality.id, weight: locality.weight, total: 0, usable: Vec::new() });
            localities.len() - 1
        });
        localities[at].total += 1;
    }
    for index in usable {
        let locality = set.endpoints()[*index as usize].spec.locality;
        if let Some(at) = places.get(&locality.id) {
            debug_assert_eq!(localities[*at].id, locality.id);
            localities[*at].usable.push(*index);
        }
    }
    localities
}

/// Weight of each locality times the share of it that is usable, overprovisioned: whole numbers in exact proportion, as far
/// as they can be had.
fn shares(localities: &[Members], factor: u32) -> Vec<u64> {
    const FINEST: u64 = 1 << 20;
    let common = localities.iter().try_fold(1, |common, locality| {
        let common = common / gcd(common, locality.total) * locality.total;
        (common <= FINEST).then_some(common)
    });
    let unit = common.unwrap_or(FINEST);
    let share = |locality: &Members| {
        let whole = 100 * locality.total;
        let usable = whole.min(u64::from(factor) * locality.usable.len() as u64);
        // At most 2^32 * 100 * total * 2^20, and there are fewer than 2^32 of them.
        let share = u128::from(locality.weight) * u128::from(usable) * u128::from(unit) / u128::from(locality.total);
        share as u64
    };
    let shares: Vec<u64> = localities.iter().map(share).collect();
    let divisor = shares.iter().fold(0, |divisor, share| gcd(*share, divisor)).max(1);
    shares.into_iter().map(|share| share / divisor).collect()
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
