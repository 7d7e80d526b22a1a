//! The endpoints of a backend, as a list that never changes.

use std::collections::HashMap;
use std::ops::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::endpoint::{Endpoint, EndpointSpec, EndpointState, Health, Start};
use crate::table::Tables;

#[cfg(test)]
mod tests;

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
        Self::build(specs, &HashMap::new(), Arc::default(), Tables::default(), (start, now))
    }

    /// The set that follows this one: endpoints whose key is known keep their state, others begin at `now`.
    #[must_use]
    pub fn successor(&self, specs: Vec<EndpointSpec>, start: Start, now: Duration) -> Arc<Self> {
        let known = self.endpoints.iter().map(|endpoint| (&*endpoint.spec.key, &endpoint.state)).collect();
        Self::build(specs, &known, Arc::clone(&self.generation), self.tables.successor(), (start, now))
    }

    fn build(
        specs: Vec<EndpointSpec>,
        known: &HashMap<&str, &Arc<EndpointState>>,
        generation: Arc<AtomicU64>,
        tables: Tables,
        (start, now): (Start, Duration),
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
        Arc::new(Self { endpoints, generation, tables })
    }

    /// Number of endpoints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// Whether there are no endpoints.
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
