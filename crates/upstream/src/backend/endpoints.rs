//! The endpoints of a backend whose addresses are known.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use backstay_balancer::{ConfiguredHealth, EndpointSet, EndpointSpec, LoadBalancing, Locality, Start};
use rustls_pki_types::ServerName;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Time since this process first asked: what endpoints' times are counted in.
pub fn uptime() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
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
    /// The priority; 0 comes first.
    pub priority: u32,
    /// Where the endpoint is, for backends that weigh localities.
    pub locality: Locality,
    /// What the user says of the endpoint's health.
    pub stated: ConfiguredHealth,
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
            stated: ConfiguredHealth::Healthy,
            server_name,
        }
    }

    /// An endpoint known by its address alone.
    pub fn ip(address: IpAddr) -> Self {
        Self::named(address, ServerName::IpAddress(address.into()))
    }
}

/// The endpoints of one moment.
#[derive(Debug)]
pub struct Endpoints {
    list: Vec<Endpoint>,
    /// What is known of each, at the same index.
    set: Arc<EndpointSet>,
    /// No endpoint differs from another in weight, priority, locality or the health that is said of it.
    equal: bool,
}

impl Endpoints {
    /// What is known of each endpoint, at the index that it has here.
    #[inline]
    pub const fn set(&self) -> &Arc<EndpointSet> {
        &self.set
    }

    /// Whether they may be taken in turn, as far as the configuration of each goes.
    #[inline]
    pub const fn are_equal(&self) -> bool {
        self.equal
    }
}

impl Deref for Endpoints {
    type Target = [Endpoint];

    fn deref(&self) -> &[Endpoint] {
        &self.list
    }
}

/// Endpoints that are replaced when the configuration or DNS says so. What is known of one stays with its address.
#[derive(Debug)]
pub struct Addresses {
    current: ArcSwap<Endpoints>,
    start: Start,
    changed: Notify,
}

impl Addresses {
    /// Endpoints to begin with; new ones `start` so, now and later.
    pub fn new(list: Vec<Endpoint>, start: Start) -> Self {
        let set = EndpointSet::new(specs(&list), start, uptime());
        Self { current: ArcSwap::from_pointee(endpoints(list, set)), start, changed: Notify::new() }
    }

    /// The endpoints of `previous`, with what is known of them, for the backend that takes its place.
    pub fn following(previous: &Self, start: Start) -> Self {
        let now = previous.load();
        let set = now.set.successor(specs(&now), start, uptime());
        Self { current: ArcSwap::from_pointee(endpoints(now.to_vec(), set)), start, changed: Notify::new() }
    }

    /// The endpoints of this moment.
    #[inline]
    pub fn load(&self) -> Guard<Arc<Endpoints>> {
        self.current.load()
    }

    /// The endpoints of this moment, to be kept beyond it.
    #[inline]
    pub fn load_full(&self) -> Arc<Endpoints> {
        self.current.load_full()
    }

    /// Ends with the next change after it is first polled, or enabled.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Replaces the endpoints, if they are others; tells whether they were. Tables that `balancing` needs are made here, not
    /// on the threads that pick.
    pub(super) fn store(&self, list: Vec<Endpoint>, balancing: &Arc<LoadBalancing>) -> bool {
        let before = self.load_full();
        if **before == *list {
            return false;
        }
        let set = before.set.successor(specs(&list), self.start, uptime());
        set.prepare(balancing);
        self.current.store(Arc::new(endpoints(list, set)));
        self.changed.notify_waiters();
        true
    }
}

fn endpoints(mut list: Vec<Endpoint>, set: Arc<EndpointSet>) -> Endpoints {
    list.shrink_to_fit();
    let alike = |a: &Endpoint, b: &Endpoint| {
        (a.weight, a.priority, a.locality, a.stated) == (b.weight, b.priority, b.locality, b.stated)
    };
    let equal = list.first().is_none_or(|first| {
        first.stated == ConfiguredHealth::Healthy && list.iter().all(|endpoint| alike(first, endpoint))
    });
    Endpoints { list, set, equal }
}

fn specs(list: &[Endpoint]) -> Vec<EndpointSpec> {
    let spec = |endpoint: &Endpoint| {
        let key = match endpoint.port {
            Some(port) => std::net::SocketAddr::new(endpoint.address, port.get()).to_string(),
            None => endpoint.address.to_string(),
        };
        EndpointSpec {
            // One with a port of its own is placed by that.
            address: endpoint.port.is_none().then_some(endpoint.address),
            weight: endpoint.weight,
            priority: endpoint.priority,
            locality: endpoint.locality,
            stated: endpoint.stated,
            ..EndpointSpec::new(key)
        }
    };
    list.iter().map(spec).collect()
}
