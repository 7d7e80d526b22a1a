//! One upstream service, as it is served.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use backstay_balancer::{Breakers, Detector, EjectionChange, EndpointState};
use backstay_model::BackendSpec;
use tokio::sync::Notify;

use super::{Discovery, Endpoint, Endpoints, LastErrors};

use crate::counts::BackendMetrics;
use crate::tls::ClientTls;

/// Identity of a [`Backend`] object. Two objects never share one; a later object's is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(u64);

/// Identity of the pools of a backend, which all versions of it share that use each other's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolIdentity(u64);

/// What versions of a backend share that use each other's connections.
#[derive(Debug)]
struct Shared {
    id: PoolIdentity,
    /// Stands for every endpoint that is in no list, unless each has a limit of its own. Most backends have none.
    unlisted: OnceLock<Arc<EndpointState>>,
    /// Endpoints that are in no list and have a limit of their own.
    counted: Mutex<Option<Box<Counted>>>,
    /// What last went wrong at its endpoints.
    last_errors: LastErrors,
}

/// What is known of endpoints that are in no list, while it is known to anybody.
type Counted = HashMap<SocketAddr, Weak<EndpointState>>;

/// What a [`Backend`] is made of.
#[derive(Debug)]
pub struct BackendParts {
    /// Name of the resource.
    pub name: Arc<str>,
    /// What its requests go by.
    pub spec: Arc<BackendSpec>,
    /// Where the endpoints come from.
    pub discovery: Discovery,
    /// Set to speak TLS to them.
    pub tls: Option<ClientTls>,
    /// What is counted. Outlives this version of the backend.
    pub metrics: Arc<BackendMetrics>,
    /// Bounds what is under way. Outlives this version of the backend: what is under way does too.
    pub breakers: Arc<Breakers>,
}

/// One upstream service: what is configured of it, with an identity and the state of its endpoints. Its [`BackendSpec`] can be
/// read like fields of its own.
#[derive(Debug)]
pub struct Backend {
    /// Name of the resource.
    pub name: Arc<str>,
    /// Where the endpoints come from.
    pub discovery: Discovery,
    /// Set to speak TLS to them.
    pub tls: Option<ClientTls>,
    /// What is counted. Outlives this version of the backend.
    pub metrics: Arc<BackendMetrics>,
    /// Bounds what is under way. Outlives this version of the backend: what is under way does too.
    pub breakers: Arc<Breakers>,
    id: BackendId,
    spec: Arc<BackendSpec>,
    detector: Option<Box<Detector>>,
    /// Port that routes send to; 0 if none does.
    traffic_port: AtomicU16,
    /// Tells of another one.
    routed: Notify,
    shared: Arc<Shared>,
}

/// Where identities are counted up.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Backend {
    /// A backend with no connections. An update that leaves a backend as it was must keep the old object instead.
    pub fn new(parts: BackendParts) -> Arc<Self> {
        let id = PoolIdentity(NEXT.fetch_add(1, Ordering::Relaxed));
        Self::with(
            parts,
            Arc::new(Shared {
                id,
                unlisted: OnceLock::new(),
                counted: Mutex::default(),
                last_errors: LastErrors::default(),
            }),
        )
    }

    /// The version that follows this one and goes on with its connections: protocol, TLS and socket options must be those
    /// of this one. Certificates and authorities may differ; they count for new connections.
    pub fn successor(&self, parts: BackendParts) -> Arc<Self> {
        Self::with(parts, Arc::clone(&self.shared))
    }

    fn with(parts: BackendParts, shared: Arc<Shared>) -> Arc<Self> {
        let BackendParts { name, spec, discovery, tls, metrics, breakers } = parts;
        let detector = match (&spec.policy.outlier, &discovery) {
            (Some(config), Discovery::Addresses(list)) => {
                Some(Box::new(Detector::new(config.clone(), list.load().set())))
            }
            _ => None,
        };
        if let Discovery::Addresses(list) = &discovery {
            list.load().set().prepare(&spec.policy.balancing);
        }
        Arc::new(Self {
            name,
            discovery,
            tls,
            metrics,
            breakers,
            id: BackendId(NEXT.fetch_add(1, Ordering::Relaxed)),
            spec,
            detector,
            traffic_port: AtomicU16::new(0),
            routed: Notify::new(),
            shared,
        })
    }

    /// Replaces the endpoints of a backend that has a list of them.
    pub fn set_endpoints(&self, endpoints: Vec<Endpoint>) {
        let Discovery::Addresses(list) = &self.discovery else { return };
        if !list.store(endpoints, &self.spec.policy.balancing) {
            return;
        }
        self.metrics.membership_changes.increment(1);
        if let Some(detector) = &self.detector {
            detector.adopt(list.load().set());
        }
    }

    /// Takes note of what outlier detection says of one of `endpoints`.
    pub fn note(&self, endpoints: &Endpoints, change: &EjectionChange) {
        let metrics = &self.metrics;
        let index = match *change {
            EjectionChange::Ejected { index, reason } => {
                metrics.ejections[reason as usize].increment(1);
                index
            }
            // Not logged: while much fails, it is said often.
            EjectionChange::Withheld { .. } => return metrics.ejections_withheld.increment(1),
            EjectionChange::Returned { index } => index,
        };
        let address = endpoints.get(index).map(|endpoint| endpoint.address);
        tracing::info!(backend = %self.name, ?address, ?change, "outlier detection has changed an endpoint");
    }

    /// What ejects endpoints, if anything does.
    #[inline]
    pub fn detector(&self) -> Option<&Detector> {
        self.detector.as_deref()
    }

    /// What last went wrong at its endpoints.
    #[inline]
    pub fn last_errors(&self) -> &LastErrors {
        &self.shared.last_errors
    }

    /// Whether there is an endpoint, whatever its health: names may have no address. A dynamic backend has as many as it is asked for.
    pub fn has_endpoints(&self) -> bool {
        match &self.discovery {
            Discovery::Addresses(list) => !list.load().is_empty(),
            Discovery::Dynamic(_) => true,
        }
    }

    /// Port that routes send to, the lowest if there are several.
    pub fn traffic_port(&self) -> Option<NonZeroU16> {
        NonZeroU16::new(self.traffic_port.load(Ordering::Relaxed))
    }

    /// Notes the port that routes send to.
    pub fn set_traffic_port(&self, port: Option<NonZeroU16>) {
        let port = port.map_or(0, NonZeroU16::get);
        if self.traffic_port.swap(port, Ordering::Relaxed) != port {
            self.routed.notify_waiters();
        }
    }

    /// Waits until a route leads here.
    pub async fn checkable(&self) {
        loop {
            // Told of what changes from here on.
            let changed = self.routed.notified();
            if self.traffic_port().is_some() {
                return;
            }
            changed.await;
        }
    }

    /// What is counted for an address that is in no list.
    pub fn unlisted(&self, address: SocketAddr) -> Arc<EndpointState> {
        if !self.spec.policy.counts_endpoints {
            return Arc::clone(self.shared.unlisted.get_or_init(EndpointState::unlisted));
        }
        let mut counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.get_or_insert_default();
        if let Some(state) = counted.get(&address).and_then(Weak::upgrade) {
            return state;
        }
        // As many as are in use stay, and at most as many again.
        if counted.len() == counted.capacity() {
            counted.retain(|_, state| state.strong_count() > 0);
        }
        let state = EndpointState::unlisted();
        counted.insert(address, Arc::downgrade(&state));
        state
    }

    /// Connections of the address, among those in no list that have a limit of their own, that has the most.
    pub fn most_unlisted_connections(&self) -> u32 {
        let counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.iter().flat_map(|counted| counted.values());
        counted.filter_map(Weak::upgrade).map(|state| state.connections()).max().unwrap_or(0)
    }

    /// Identity of this object.
    #[inline]
    pub const fn id(&self) -> BackendId {
        self.id
    }

    /// Identity of the pools, shared with the versions before this one whose connections it goes on with.
    #[inline]
    pub fn pool_identity(&self) -> PoolIdentity {
        self.shared.id
    }
}

impl std::ops::Deref for Backend {
    type Target = BackendSpec;

    #[inline]
    fn deref(&self) -> &BackendSpec {
        &self.spec
    }
}
