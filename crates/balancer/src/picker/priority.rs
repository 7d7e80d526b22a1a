//! One priority: which of its endpoints may be used.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;

use super::group::Group;
use super::order::BuildContext;
use crate::config::{LoadBalancing, Policy, SlowStart};
use crate::endpoint::Health;
use crate::priority::{PriorityHealth, PriorityLoads};
use crate::set::EndpointSet;
use crate::table::{Candidates, PriorityTables};

/// Endpoints of one priority.
#[derive(Debug)]
pub(super) struct Priority {
    pub(super) panic: bool,
    /// Healthy ones, or in panic all.
    usable: Group,
    degraded: Group,
}

impl Priority {
    pub(super) fn group(&mut self, degraded: bool) -> &mut Group {
        // In panic, health makes no difference.
        if degraded && !self.panic { &mut self.degraded } else { &mut self.usable }
    }
}

/// The priorities of a set, as the health of its endpoints is at one moment.
pub(super) struct Priorities {
    pub(super) loads: PriorityLoads,
    /// The highest first.
    pub(super) priorities: Vec<Priority>,
    pub(super) until: Option<Duration>,
}

/// Members of a priority, by index.
#[derive(Default)]
struct Members {
    all: Vec<u32>,
    healthy: Vec<u32>,
    degraded: Vec<u32>,
}

impl Members {
    fn health(&self) -> PriorityHealth {
        let count = |members: &Vec<u32>| members.len() as u64;
        PriorityHealth { healthy: count(&self.healthy), degraded: count(&self.degraded), total: count(&self.all) }
    }

    fn candidates(&self, panic: bool) -> Candidates<'_> {
        if panic {
            Candidates { usable: &self.all, degraded: &[] }
        } else {
            Candidates { usable: &self.healthy, degraded: &self.degraded }
        }
    }
}

/// Computes the priorities of `set` as of a generation, for requests to a port, where places depend on one.
pub(super) fn build(
    set: &Arc<EndpointSet>,
    config: &Arc<LoadBalancing>,
    of: (u64, u16),
    now: Duration,
    rng: &mut SmallRng,
) -> Priorities {
    let members = members(set);
    let health: Vec<_> = members.iter().map(Members::health).collect();
    let loads = PriorityLoads::new(&health, config.panic_threshold, config.overprovisioning_factor);
    let until = slow_start_until(set, config, now);
    let priorities = match config.policy {
        Policy::RingHash(_) | Policy::Maglev(_) => {
            let candidates = members.iter().zip(&loads.panic).map(|(members, panic)| members.candidates(*panic));
            let candidates: Vec<_> = candidates.collect();
            let tables = set.tables.get(set.endpoints(), config, of, &candidates);
            let priority = |(tables, panic): (&PriorityTables, &bool)| Priority {
                panic: *panic,
                usable: Group::hashed(Arc::clone(&tables.usable)),
                degraded: Group::hashed(Arc::clone(&tables.degraded)),
            };
            tables.iter().zip(&loads.panic).map(priority).collect()
        }
        Policy::RoundRobin | Policy::LeastRequest(_) | Policy::Random => {
            let context = BuildContext { set, config, now, slow_start: until.is_some() };
            let mut group = |all: &[u32], usable: &[u32], panic: bool| {
                let weighted = config.locality_weighted && !panic;
                Group::ordered(&context, weighted.then_some(all), usable, rng)
            };
            let priority = |(members, panic): (&Members, &bool)| {
                let Candidates { usable, degraded } = members.candidates(*panic);
                Priority {
                    panic: *panic,
                    usable: group(&members.all, usable, *panic),
                    degraded: group(&members.all, degraded, *panic),
                }
            };
            members.iter().zip(&loads.panic).map(priority).collect()
        }
    };
    Priorities { loads, priorities, until }
}

/// By priority, the highest first. Priorities that nobody has make no difference.
fn members(set: &EndpointSet) -> Vec<Members> {
    let mut priorities: Vec<u32> = set.endpoints().iter().map(|endpoint| endpoint.spec.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let mut members: Vec<Members> = priorities.iter().map(|_| Members::default()).collect();
    for (index, endpoint) in (0..).zip(set.endpoints()) {
        let Ok(at) = priorities.binary_search(&endpoint.spec.priority) else { continue };
        members[at].all.push(index);
        match endpoint.health() {
            Health::Healthy => members[at].healthy.push(index),
            Health::Degraded => members[at].degraded.push(index),
            Health::Unhealthy => {}
        }
    }
    members
}

/// When the last endpoint leaves slow start; none if none is in it.
fn slow_start_until(set: &EndpointSet, config: &LoadBalancing, now: Duration) -> Option<Duration> {
    let SlowStart { window, .. } = config.slow_start.as_ref()?;
    if !matches!(config.policy, Policy::RoundRobin | Policy::LeastRequest(_)) {
        return None;
    }
    let ages = set.endpoints().iter().map(|endpoint| endpoint.state.age(now));
    let youngest = ages.filter(|age| age < window).min()?;
    Some(now.saturating_add(window.saturating_sub(youngest)))
}
