//! The cache as an operator sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Cache;
use crate::host::Resolution;

/// The state of a host in the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostState {
    /// Its first lookup is under way.
    Loading,
    /// It has addresses.
    Resolved,
    /// It has addresses, but lookups since have brought none.
    Stale,
    /// It has no address.
    Failed,
}

/// One host of a cache.
#[derive(Clone, Debug)]
pub struct HostView {
    /// `name:port`.
    pub host: Arc<str>,
    /// The state of the host.
    pub state: HostState,
    /// Where requests to it go, in this order.
    pub addresses: Vec<SocketAddr>,
    /// What is left of the TTL of these addresses; zero when it is over.
    pub ttl_left: Option<Duration>,
    /// Time to the next lookup. None while one is under way.
    pub next_refresh: Option<Duration>,
    /// How long ago a request got an address from it, or it was entered.
    pub idle: Duration,
    /// Why the last lookup brought no address.
    pub last_error: Option<Arc<str>>,
}

impl Cache {
    /// The hosts held now, in order of their names.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostView> {
        let now = Instant::now().into_std();
        let moment = self.shared.now();
        let mut hosts: Vec<_> = self
            .shared
            .table()
            .views()
            .map(|entry| {
                let (state, addresses) = match &*entry.host.resolution() {
                    Resolution::Loading => (HostState::Loading, Vec::new()),
                    Resolution::Addresses(addresses) if entry.stale => (HostState::Stale, addresses.to_vec()),
                    Resolution::Addresses(addresses) => (HostState::Resolved, addresses.to_vec()),
                    Resolution::None(_) => (HostState::Failed, Vec::new()),
                };
                HostView {
                    host: Arc::clone(&entry.host.key),
                    state,
                    addresses,
                    ttl_left: entry.expires.map(|(end, _)| end.saturating_duration_since(now)),
                    next_refresh: entry.next.map(|next| next.saturating_duration_since(now)),
                    idle: entry.host.idle(moment),
                    last_error: entry.last_error,
                }
            })
            .collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        hosts
    }
}
