//! What families are read from.

use std::ops::Deref;
use std::sync::Arc;

use backstay_balancer::{Breakers, Health};
use backstay_dns_cache::{Cache, NameStats, StatsSnapshot};

use crate::counts::{CallMetrics, ControlMetrics, ServerMetrics};
use crate::limits::Limits;
use crate::process::Usage;
use backstay_upstream::counts::{BackendCounts, BackendMetrics};
use backstay_upstream::{Backend, Discovery};

/// The process, beside its backends.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) server: Arc<ServerMetrics>,
    pub(crate) control: Arc<ControlMetrics>,
    pub(crate) limits: Limits,
    /// Names of endpoints.
    pub(crate) names: NameStats,
    /// Names of endpoints that are watched, and those of them whose last lookup brought no address.
    pub(crate) watched: (usize, usize),
    pub(crate) backends: usize,
    /// When each certificate in force ends, in seconds since 1970, by the name of its resource.
    pub(crate) certificates: Vec<(Arc<str>, f64)>,
    pub(crate) draining: bool,
    /// Whether new requests may be sent here.
    pub(crate) ready: bool,
    /// Of the system.
    pub(crate) usage: Usage,
}

/// One backend.
#[derive(Debug)]
pub(crate) struct BackendSnapshot {
    /// Name of its resource.
    pub(crate) name: Arc<str>,
    pub(crate) metrics: Counted,
    pub(crate) breakers: Arc<Breakers>,
    /// `None` while it waits for a secret.
    pub(crate) backend: Option<Arc<Backend>>,
    pub(crate) members: Members,
    pub(crate) cache: Option<CacheSnapshot>,
}

/// What was counted for a backend, to be read only: [`BackendMetrics::look`].
#[derive(Debug, Default)]
pub(crate) struct Counted(pub(crate) Arc<BackendMetrics>);

impl Deref for Counted {
    type Target = BackendCounts;

    fn deref(&self) -> &BackendCounts {
        self.0.look()
    }
}

/// One call of a route's compositions.
#[derive(Debug)]
pub(crate) struct CallSnapshot {
    /// Name of the route's resource.
    pub(crate) route: Arc<str>,
    pub(crate) call: Arc<str>,
    pub(crate) metrics: Arc<CallMetrics>,
}

/// The endpoints of a backend, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Members {
    pub(crate) healthy: usize,
    pub(crate) degraded: usize,
    pub(crate) unhealthy: usize,
    pub(crate) ejected: usize,
    /// Down by their active checks.
    pub(crate) failed_check: usize,
    /// Degraded by their active checks.
    pub(crate) said_degraded: usize,
    /// Connections of the endpoint that has the most.
    pub(crate) most_connections: u32,
}

/// The DNS cache of a dynamic backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheSnapshot {
    pub(crate) stats: StatsSnapshot,
    /// Requests that wait for a lookup.
    pub(crate) pending: usize,
    /// Requests that may yet begin to.
    pub(crate) pending_remaining: usize,
    pub(crate) max_hosts: usize,
    pub(crate) max_failed_hosts: usize,
}

impl Members {
    /// The members that `backend` has now.
    pub(crate) fn of(backend: &Backend) -> Self {
        let mut members = Self { most_connections: backend.most_unlisted_connections(), ..Self::default() };
        let Discovery::Addresses(list) = &backend.discovery else { return members };
        let list = list.load();
        let set = list.set();
        for (state, health) in (0..set.len()).filter_map(|index| set.state(index).zip(set.health(index))) {
            match health {
                Health::Healthy => members.healthy += 1,
                Health::Degraded => members.degraded += 1,
                Health::Unhealthy => members.unhealthy += 1,
            }
            members.ejected += usize::from(state.is_ejected());
            members.failed_check += usize::from(state.has_failed_check());
            members.said_degraded += usize::from(state.is_degraded());
            members.most_connections = members.most_connections.max(state.connections());
        }
        members
    }

    pub(super) const fn total(&self) -> usize {
        self.healthy + self.degraded + self.unhealthy
    }
}

impl CacheSnapshot {
    /// What `cache` counts.
    pub(crate) fn of(cache: &Cache) -> Self {
        let settings = cache.settings();
        Self {
            stats: cache.stats().snapshot(),
            pending: cache.pending_requests(),
            pending_remaining: cache.pending_remaining(),
            max_hosts: settings.max_hosts,
            max_failed_hosts: settings.max_negative_hosts,
        }
    }
}

impl BackendSnapshot {
    /// Whether anything has ever happened to it. There may be many more backends than are used.
    pub(super) fn was_used(&self) -> bool {
        let BackendCounts {
            requests,
            active,
            attempts,
            connects,
            connect_failures,
            health_checks,
            ejections,
            loops,
            ..
        } = &*self.metrics;
        active.get() > 0
            || connect_failures.total() > 0
            || requests
                .iter()
                .chain(ejections)
                .chain([attempts, connects, loops, &health_checks.attempts])
                .any(|count| count.get() > 0)
    }

    /// Whether requests under way are counted against a limit.
    pub(super) fn counts_requests(&self) -> bool {
        self.backend.as_ref().is_some_and(|backend| backend.policy.counts_requests)
    }

    /// Whether its endpoints are checked.
    pub(super) fn is_checked(&self) -> bool {
        self.backend.as_ref().is_some_and(|backend| !backend.policy.health.is_empty())
    }
}
