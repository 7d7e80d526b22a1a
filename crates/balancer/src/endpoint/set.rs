use std::collections::HashMap;
use std::ops::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::state::EndpointState;
use crate::picker::Tables;

/// What the configuration, or DNS, says of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSpec {
    /// Names the endpoint: its state is kept for this key from set to set, and the hashing policies place it by it. Envoy
    /// hashes `address:port`.
    pub key: Arc<str>,
    /// Its share of the traffic. 0 counts as 1.
    pub weight: u32,
    /// 0 is the highest; a lower one takes traffic when those above it are not healthy enough. Gaps do not matter.
    pub priority: u32,
    /// Where it is.
    pub locality: Locality,
    /// What the user says of its health.
    pub stated: Stated,
}

impl EndpointSpec {
    /// Weight 1, the highest priority, no locality, healthy.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self { key: key.into(), weight: 1, priority: 0, locality: Locality::default(), stated: Stated::Healthy }
    }
}

/// Where an endpoint is. Only asked for when localities are weighted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Locality {
    /// Tells one locality from another; the caller numbers them.
    pub id: u32,
    /// Share of the traffic of its priority. 0 takes none. Of members that disagree, the first in the list is believed.
    pub weight: u32,
}

/// What the user says of an endpoint's health. Checks and outlier detection can only make it worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stated {
    /// As good as any.
    #[default]
    Healthy,
    /// Used when there are not enough healthy ones.
    Degraded,
    /// Not used except in panic. Envoy's `UNHEALTHY`, `DRAINING` and `TIMEOUT`.
    Unhealthy,
}

/// Health of an endpoint, all that is known of it taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Used.
    Healthy,
    /// Used when there are not enough healthy ones.
    Degraded,
    /// Not used except in panic.
    Unhealthy,
}

/// How a new endpoint begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// Usable at once.
    #[default]
    Usable,
    /// Unhealthy until its first active check has passed.
    AwaitCheck,
}

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) spec: EndpointSpec,
    pub(crate) state: Arc<EndpointState>,
}

impl Endpoint {
    pub(crate) fn health(&self) -> Health {
        match self.spec.stated {
            Stated::Unhealthy => Health::Unhealthy,
            Stated::Degraded => self.state.health().max(Health::Degraded),
            Stated::Healthy => self.state.health(),
        }
    }

    pub(crate) const fn weight(&self) -> u32 {
        if self.spec.weight == 0 { 1 } else { self.spec.weight }
    }
}

/// The endpoints of a backend at one moment; an endpoint is its index. Never changed, but followed by a successor that
/// knows what was known of the endpoints that stay.
#[derive(Debug)]
pub struct EndpointSet {
    endpoints: Vec<Endpoint>,
    generation: Arc<AtomicU64>,
    pub(crate) tables: Tables,
}

impl EndpointSet {
    /// The first set of a backend. `now` is when its endpoints began, for slow start.
    #[must_use]
    pub fn new(specs: Vec<EndpointSpec>, start: Start, now: Duration) -> Arc<Self> {
        Self::build(specs, &HashMap::new(), Arc::default(), start, now)
    }

    /// The set that follows this one: endpoints whose key is known keep their state, others begin at `now`.
    #[must_use]
    pub fn successor(&self, specs: Vec<EndpointSpec>, start: Start, now: Duration) -> Arc<Self> {
        let known = self.endpoints.iter().map(|endpoint| (&*endpoint.spec.key, &endpoint.state)).collect();
        Self::build(specs, &known, Arc::clone(&self.generation), start, now)
    }

    fn build(
        specs: Vec<EndpointSpec>,
        known: &HashMap<&str, &Arc<EndpointState>>,
        generation: Arc<AtomicU64>,
        start: Start,
        now: Duration,
    ) -> Arc<Self> {
        let mut fresh: HashMap<Arc<str>, Arc<EndpointState>> = HashMap::new();
        let endpoint = |spec: EndpointSpec| {
            let state = match known.get(&*spec.key) {
                Some(state) => Arc::clone(state),
                // A key listed twice, in two priorities say, is still one endpoint.
                None => Arc::clone(
                    fresh
                        .entry(Arc::clone(&spec.key))
                        .or_insert_with(|| Arc::new(EndpointState::new(Arc::clone(&generation), start, now))),
                ),
            };
            Endpoint { spec, state }
        };
        let endpoints = specs.into_iter().map(endpoint).collect();
        Arc::new(Self { endpoints, generation, tables: Tables::default() })
    }

    /// Number of endpoints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// What is known of the endpoint at `index`.
    #[must_use]
    pub fn state(&self, index: usize) -> Option<&Arc<EndpointState>> {
        self.endpoints.get(index).map(|endpoint| &endpoint.state)
    }

    /// What the configuration says of the endpoint at `index`.
    #[must_use]
    pub fn spec(&self, index: usize) -> Option<&EndpointSpec> {
        self.endpoints.get(index).map(|endpoint| &endpoint.spec)
    }

    /// Health of the endpoint at `index`, what the user says of it included.
    #[must_use]
    pub fn health(&self, index: usize) -> Option<Health> {
        self.endpoints.get(index).map(Endpoint::health)
    }

    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Changes with the health of any endpoint.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl Index<u32> for EndpointSet {
    type Output = EndpointState;

    /// For indices that came from this set.
    fn index(&self, index: u32) -> &EndpointState {
        &self.endpoints[index as usize].state
    }
}
