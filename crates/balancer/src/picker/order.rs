//! The order in which endpoints that may be used alike are picked.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::config::{LoadBalancing, Policy};
use crate::edf::{Queue, Schedule};
use crate::set::EndpointSet;

/// One pick, as far as it has come.
pub(super) struct Pick<'a> {
    pub(super) config: &'a LoadBalancing,
    pub(super) set: &'a EndpointSet,
    pub(super) rng: &'a mut SmallRng,
    pub(super) now: Duration,
    pub(super) hash: u64,
}

/// What the endpoints of a set are put in order by.
pub(super) struct BuildContext<'a> {
    pub(super) set: &'a EndpointSet,
    pub(super) config: &'a LoadBalancing,
    pub(super) now: Duration,
    /// Whether any of them is in slow start.
    pub(super) slow_start: bool,
}

/// Endpoints that may be used alike, and how one of them is picked.
#[derive(Debug)]
pub(super) struct Hosts {
    members: Vec<u32>,
    algorithm: Algorithm,
}

#[derive(Debug)]
enum Algorithm {
    /// One after the other.
    InTurn {
        next: usize,
    },
    /// By weights that stay.
    Weighted(Schedule),
    /// By weights that depend on the time, or on active requests.
    Changing(Queue),
    /// The one with fewest requests of so many.
    Fewest {
        choices: u32,
    },
    Random,
}

impl Hosts {
    pub(super) fn new(context: &BuildContext<'_>, members: Vec<u32>, rng: &mut SmallRng) -> Self {
        let BuildContext { set, config, now, slow_start } = *context;
        let weights = || members.iter().map(|index| set.endpoints()[*index as usize].weight());
        let equal = weights().is_sorted_by(|a, b| a == b);
        let changing = |rng: &mut SmallRng| {
            let weights = members.iter().map(|index| weight(set, config, *index, now));
            Algorithm::Changing(Queue::new(weights, rng.random()))
        };
        let algorithm = match &config.policy {
            Policy::RoundRobin if slow_start => changing(rng),
            Policy::RoundRobin if equal => Algorithm::InTurn { next: rng.random_range(0..members.len().max(1)) },
            Policy::RoundRobin => Algorithm::Weighted(Schedule::new(weights().map(u64::from), rng.random())),
            Policy::LeastRequest(least) if equal && !slow_start => Algorithm::Fewest { choices: least.choice_count },
            Policy::LeastRequest(_) => changing(rng),
            // The hashing ones have tables instead.
            Policy::Random | Policy::RingHash(_) | Policy::Maglev(_) => Algorithm::Random,
        };
        Self { members, algorithm }
    }

    pub(super) fn members(&self) -> &[u32] {
        &self.members
    }

    pub(super) fn pick(&mut self, pick: &mut Pick<'_>) -> Option<u32> {
        let members = &*self.members;
        if let [] | [_] = members {
            return members.first().copied();
        }
        let at = match &mut self.algorithm {
            Algorithm::InTurn { next } => {
                let at = *next;
                *next = if at + 1 < members.len() { at + 1 } else { 0 };
                at
            }
            Algorithm::Weighted(turns) => turns.next()? as usize,
            Algorithm::Changing(queue) => {
                let (set, config, now) = (pick.set, pick.config, pick.now);
                queue.next(|at| weight(set, config, members[at as usize], now))? as usize
            }
            Algorithm::Fewest { choices } => {
                let choices = *choices;
                return fewest(members, choices, pick);
            }
            Algorithm::Random => pick.rng.random_range(0..members.len()),
        };
        members.get(at).copied()
    }
}

/// The same one may be drawn twice: with replacement, as Envoy does. The first of equals wins.
fn fewest(members: &[u32], choices: u32, pick: &mut Pick<'_>) -> Option<u32> {
    let mut best: Option<(u32, u32)> = None;
    for _ in 0..choices {
        let index = *members.get(pick.rng.random_range(0..members.len()))?;
        let active = pick.set[index].active_requests();
        if best.is_none_or(|(fewest, _)| active < fewest) {
            best = Some((active, index));
        }
    }
    best.map(|(_, index)| index)
}

/// Weight of an endpoint at this moment, above 0.
fn weight(set: &EndpointSet, config: &LoadBalancing, index: u32, now: Duration) -> f64 {
    let endpoint = &set.endpoints()[index as usize];
    let mut weight = f64::from(endpoint.weight());
    if let Policy::LeastRequest(least) = &config.policy {
        let active = f64::from(endpoint.state.active_requests()) + 1.0;
        weight /= if least.active_request_bias == 1.0 { active } else { active.powf(least.active_request_bias) };
    }
    if let Some(slow_start) = &config.slow_start {
        weight *= slow_start.factor(endpoint.state.age(now));
    }
    // A bias of hundreds would end in 0, and in a turn that never comes.
    weight.max(f64::MIN_POSITIVE.sqrt())
}
