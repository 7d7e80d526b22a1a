//! Where the endpoints of a backend come from.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use backstay_balancer::{ConfiguredHealth, Locality};
use backstay_destination::HostPattern;
use backstay_destination::lookup::{Family, Settings, Staleness};
use rustls_pki_types::ServerName;

use super::LoopGuard;

/// Where endpoints come from. May change without a new identity of the backend, as long as it stays of one variant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Discovery {
    /// From a list.
    Static(StaticEndpoints),
    /// From each request's authority. Boxed: of many backends, few are so.
    Dynamic(Box<DynamicDiscovery>),
}

/// Endpoints that requests name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DynamicDiscovery {
    /// How names are looked up, and which addresses may be dialled.
    pub settings: Settings,
    /// Names that may be asked for.
    pub allowed: Allowed,
    /// Ends requests that come back, again and again.
    pub loops: Option<LoopGuard>,
}

/// Endpoints in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StaticEndpoints {
    /// In the order in which the user wrote them.
    pub list: Vec<StaticEndpoint>,
    /// How long the addresses of names are used while DNS has none to say.
    pub staleness: Staleness,
}

impl Deref for StaticEndpoints {
    type Target = [StaticEndpoint];

    fn deref(&self) -> &[StaticEndpoint] {
        &self.list
    }
}

/// One endpoint as the user wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StaticEndpoint {
    /// Address or name of the endpoint.
    pub host: StaticHost,
    /// Its share of the requests among endpoints of one priority. At least 1.
    pub weight: u32,
    /// 0 comes first.
    pub priority: u32,
    /// Where it is, for backends that weigh localities.
    pub locality: Locality,
    /// What the user says of its health.
    pub stated: ConfiguredHealth,
}

/// Where an endpoint is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StaticHost {
    /// At an address.
    Ip(IpAddr),
    /// At each address of a name.
    Name {
        /// The name as DNS is asked for it.
        name: Arc<str>,
        /// The name as TLS speaks of it; `None` for one that no certificate can carry, as `-a.example`.
        server_name: Option<ServerName<'static>>,
        /// Which of its addresses count.
        family: Family,
    },
    /// A service, whose records name its servers.
    Srv(Arc<str>),
}

/// Names that a dynamic backend may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every name.
    All,
    /// Names that match one of these.
    Only(Box<[HostPattern]>),
}

impl Allowed {
    /// Whether `host` (lower case, without port) may be asked for.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(host)),
        }
    }
}
