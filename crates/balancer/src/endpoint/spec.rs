use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the configuration, or DNS, says of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSpec {
    /// Names the endpoint: its state is kept for this key from set to set, and the hashing policies place it by it, unless it has an
    /// [address](Self::address).
    pub key: Arc<str>,
    /// Its address, where the port is the request's: the hashing policies place it by both, as Envoy does.
    pub address: Option<IpAddr>,
    /// Its share of the traffic. 0 counts as 1.
    pub weight: u32,
    /// 0 is the highest; a lower one takes traffic when those above it are not healthy enough. Gaps do not matter.
    pub priority: u32,
    /// The locality that the endpoint is in.
    pub locality: Locality,
    /// What the user says of its health.
    pub stated: ConfiguredHealth,
}

impl EndpointSpec {
    /// Weight 1, the highest priority, no locality, healthy.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self {
            key: key.into(),
            address: None,
            weight: 1,
            priority: 0,
            locality: Locality::default(),
            stated: ConfiguredHealth::Healthy,
        }
    }
}

impl EndpointSpec {
    /// What the hashing policies place it by for requests to `port`; 0 stands for none.
    pub(crate) fn place(&self, port: u16) -> Arc<str> {
        match self.address {
            Some(address) if port > 0 => SocketAddr::new(address, port).to_string().into(),
            _ => Arc::clone(&self.key),
        }
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
pub enum ConfiguredHealth {
    /// As good as any.
    #[default]
    Healthy,
    /// Used when there are not enough healthy ones.
    Degraded,
    /// Not used except in panic. Envoy's `UNHEALTHY`, `DRAINING` and `TIMEOUT`.
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
