//! Where a backend's endpoints come from.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use backstay_balancer::Start;
use backstay_model::{Allowed, LoopGuard};
use http::StatusCode;

use super::{Addresses, Endpoint};

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

/// Addresses of a name, in the order in which to try them. Never empty.
pub type Resolved = Arc<[SocketAddr]>;

/// Names to addresses, called on data threads: it must answer at once, from memory, or with a future.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// Looks up `host` (an IP literal without brackets, or a name in the request's own spelling) and `port`.
    fn lookup(&self, host: &str, port: u16) -> Lookup;
}

/// Why a name has no address that may be dialled, and what a client is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// Status sent to the client.
    pub status: StatusCode,
    /// Body sent to the client.
    pub body: Cow<'static, str>,
    /// Details for the access log, one word.
    pub details: Cow<'static, str>,
    /// DNS has no answer; otherwise it is the request that asks for what is no name, or may not be asked for.
    pub of_dns: bool,
}

/// What is known about a name.
pub enum Lookup {
    /// The name is known: dial these addresses.
    Ready(Resolved),
    /// The name is being asked for; the future ends with the answer. Dropping it must not stop the lookup for others.
    Pending(Pin<Box<dyn Future<Output = Result<Resolved, Unresolved>> + Send>>),
    /// The name has no address: answer the client so.
    Refused(Unresolved),
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
