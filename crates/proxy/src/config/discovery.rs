//! Where a backend's endpoints come from.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::Arc;

use backstay_balancer::{Locality, Start, Stated};
use rustls_pki_types::ServerName;

use super::{Addresses, HostPattern, LoopGuard, Refusal};

/// How a backend finds the address to dial.
#[derive(Debug)]
pub enum Discovery {
    /// Addresses kept up to date outside the request path: IP endpoints as written, names as DNS last answered. The
    /// control side replaces the list when an answer changes; see [`Backend::set_endpoints`](super::Backend::set_endpoints).
    Addresses(Addresses),
    /// The request's authority names the endpoint.
    Dynamic(Dynamic),
}

impl Discovery {
    /// A list that starts as given and may be replaced later.
    pub fn addresses(endpoints: Vec<Endpoint>) -> Self {
        Self::Addresses(Addresses::new(endpoints, Start::Usable))
    }
}

/// One address of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address to dial.
    pub address: IpAddr,
    /// Port to dial, where DNS says it (SRV records). Otherwise it comes from the route.
    pub port: Option<NonZeroU16>,
    /// Share of the requests among endpoints of one priority. At least 1.
    pub weight: u32,
    /// 0 comes first.
    pub priority: u32,
    /// Where it is, for backends that weigh localities.
    pub locality: Locality,
    /// What the user says of its health.
    pub stated: Stated,
    /// Name to verify (and to send, unless it is an address) when the backend uses TLS and does not set one itself: the
    /// endpoint's domain name, or its address.
    pub server_name: ServerName<'static>,
}

impl Endpoint {
    /// An address of a name, of the first priority and with the port of the route.
    pub fn named(address: IpAddr, server_name: ServerName<'static>) -> Self {
        Self {
            address,
            port: None,
            weight: 1,
            priority: 0,
            locality: Locality::default(),
            stated: Stated::Healthy,
            server_name,
        }
    }

    /// An endpoint known by its address alone.
    pub fn ip(address: IpAddr) -> Self {
        Self::named(address, ServerName::IpAddress(address.into()))
    }
}

/// A backend that goes where the request's authority says.
#[derive(Debug)]
pub struct Dynamic {
    /// Answers which addresses a name has.
    pub resolve: Arc<dyn Resolve>,
    /// Names that may be asked for.
    pub allowed: Allowed,
    /// Ends requests that come back, again and again.
    pub loops: Option<LoopGuard>,
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
    pub fn permits(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(host)),
        }
    }
}

/// Addresses of a name, in the order in which to try them. Never empty.
pub type Resolved = Arc<[SocketAddr]>;

/// Names to addresses, called on data threads: it must answer at once, from memory, or with a future.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// Looks up `host` (an IP literal without brackets, or a name in the request's own spelling) and `port`.
    fn lookup(&self, host: &str, port: u16) -> Lookup;
}

/// What is known about a name.
pub enum Lookup {
    /// Known: dial these.
    Ready(Resolved),
    /// Being asked; the future ends with the answer. Dropping it must not stop the lookup for others.
    Pending(Pin<Box<dyn Future<Output = Result<Resolved, Refusal>> + Send>>),
    /// No address: answer the client so.
    Refused(Refusal),
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(addresses) => f.debug_tuple("Ready").field(addresses).finish(),
            Self::Pending(_) => f.write_str("Pending"),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
        }
    }
}
