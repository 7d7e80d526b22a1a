//! Endpoints: what the configuration says of them, and what is known of them.

use std::sync::Arc;

mod monitor;
mod spec;
mod state;

pub use monitor::EjectionReason;
pub(crate) use monitor::Monitor;
pub use spec::{ConfiguredHealth, EndpointSpec, Locality, Start};
pub(crate) use state::millis;
pub use state::{ActiveRequest, EndpointState, Health};

/// An endpoint as a set lists it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) spec: EndpointSpec,
    pub(crate) state: Arc<EndpointState>,
}

impl Endpoint {
    pub(crate) fn health(&self) -> Health {
        match self.spec.stated {
            ConfiguredHealth::Unhealthy => Health::Unhealthy,
            ConfiguredHealth::Degraded => self.state.health().max(Health::Degraded),
            ConfiguredHealth::Healthy => self.state.health(),
        }
    }

    pub(crate) const fn weight(&self) -> u32 {
        if self.spec.weight == 0 { 1 } else { self.spec.weight }
    }
}
