//! Picking an endpoint.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::config::{LoadBalancing, Policy};
use crate::priority::PriorityLoads;
use crate::set::EndpointSet;
use crate::table::MAX_PORTS;
use priority::{Priorities, Priority};

mod group;
mod order;
mod priority;
#[cfg(test)]
mod tests;

/// What a pick depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct PickContext<'a> {
    /// Time since the moment from which the endpoints' times are counted. Only slow start asks for it.
    pub now: Duration,
    /// Port that the request goes to, unless the endpoint has one of its own. Only the hashing policies ask for it.
    pub port: u16,
    /// Hash of the request. Without one, the hashing policies pick at random.
    pub hash: Option<u64>,
    /// Indices that the request should not be sent to again. They are taken only if there is nothing else in the priority
    /// that was chosen. (Envoy's `previous_hosts` gives up after some tries at random; this does not.)
    pub exclude: &'a [usize],
}

/// An endpoint that was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picked {
    /// Its index in the set.
    pub index: usize,
    /// Whether its priority was in panic: it was picked whatever its health. Envoy counts these in `lb_healthy_panic`.
    pub panic: bool,
}

/// A thread's way through the endpoints of one backend.
#[derive(Debug)]
pub struct Picker {
    config: Arc<LoadBalancing>,
    rng: SmallRng,
    /// One for each port that places depend on; mostly a single one.
    built: Vec<Built>,
    /// Which of them the last pick was from.
    last: usize,
}

/// What is computed from a set and the health of its endpoints.
#[derive(Debug)]
struct Built {
    set: Arc<EndpointSet>,
    port: u16,
    generation: u64,
    /// When the last endpoint will have taken up its full weight.
    until: Option<Duration>,
    loads: PriorityLoads,
    /// Where all of the traffic goes, if it all goes to one place.
    only: Option<(usize, bool)>,
    priorities: Vec<Priority>,
}

impl Picker {
    /// A picker that follows a valid `config`. Threads should have different seeds, or they all begin at the same endpoint.
    #[must_use]
    pub fn new(config: Arc<LoadBalancing>, seed: u64) -> Self {
        Self { config, rng: SmallRng::seed_from_u64(seed), built: Vec::new(), last: 0 }
    }

    /// Picks an endpoint of `set`; none if none may be used. When `set` is another than the last time, or the health of an
    /// endpoint has changed, shares are computed anew first.
    pub fn pick(&mut self, set: &Arc<EndpointSet>, context: &PickContext<'_>) -> Option<Picked> {
        let port = self.config.place_port(context.port);
        let at = self.built.iter().position(|built| built.port == port);
        let at = match at.filter(|at| self.built.get(*at).is_some_and(|built| built.is_current(set, context.now))) {
            Some(at) => at,
            None => self.rebuild(at, set, port, context.now),
        };
        self.last = at;
        let Self { config, rng, built, .. } = self;
        let built = built.get_mut(at)?;
        let hash = match (&config.policy, context.hash) {
            (Policy::RingHash(_) | Policy::Maglev(_), Some(hash)) => hash,
            _ => rng.random(),
        };
        let (at, degraded) = built.only.or_else(|| built.loads.choose(hash))?;
        let priority = built.priorities.get_mut(at)?;
        let panic = priority.panic;
        let group = priority.group(degraded);
        let pick = &mut order::Pick { config, set, rng, now: context.now, hash };
        let index =
            if context.exclude.is_empty() { group.pick(pick, 0)? } else { group.pick_other(pick, context.exclude)? };
        Some(Picked { index: index as usize, panic })
    }

    /// Shares of the priorities as they were at the last pick, the highest priority first.
    #[must_use]
    pub fn loads(&self) -> Option<&PriorityLoads> {
        self.built.get(self.last).map(|built| &built.loads)
    }

    /// Computes what picks for `port` depend on, in place of what was known `at` some index. Returns its index.
    #[cold]
    fn rebuild(&mut self, at: Option<usize>, set: &Arc<EndpointSet>, port: u16, now: Duration) -> usize {
        let known = at.and_then(|at| self.built.get(at)).is_some_and(|built| Arc::ptr_eq(&built.set, set));
        if let Some(at) = at.filter(|_| known && set.tables.are_being_built()) {
            // What is known will do for the milliseconds that another thread takes.
            return at;
        }
        // Before health is read: what changes in between makes this outdated.
        let generation = set.generation();
        let Priorities { loads, priorities, until } =
            priority::build(set, &self.config, (generation, port), now, &mut self.rng);
        let only = loads.only();
        let built = Built { set: Arc::clone(set), port, generation, until, loads, only, priorities };
        if let Some(place) = at.and_then(|at| self.built.get_mut(at)) {
            *place = built;
            return at.unwrap_or_default();
        }
        if self.built.len() >= MAX_PORTS {
            self.built.clear();
        }
        self.built.push(built);
        self.built.len() - 1
    }
}

impl EndpointSet {
    /// Builds the tables of the hashing policies, which takes milliseconds where they are large: called before the set is
    /// given to the threads that pick, it spares them that. Which ports they are for is known from the set before. Other policies have
    /// nothing to prepare.
    pub fn prepare(self: &Arc<Self>, config: &Arc<LoadBalancing>) {
        if matches!(config.policy, Policy::RingHash(_) | Policy::Maglev(_)) {
            let ports: std::collections::BTreeSet<u16> =
                self.tables.expected().iter().map(|port| config.place_port(*port)).collect();
            for port in ports {
                let mut rng = SmallRng::seed_from_u64(0);
                priority::build(self, config, (self.generation(), port), Duration::ZERO, &mut rng);
            }
        }
    }
}

impl Built {
    fn is_current(&self, set: &Arc<EndpointSet>, now: Duration) -> bool {
        Arc::ptr_eq(&self.set, set) && self.generation == set.generation() && self.until.is_none_or(|until| now < until)
    }
}
