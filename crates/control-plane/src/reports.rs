//! How backends fare, as connected proxies report it.
//!
//! - `service`: where they do. `elsewhere`: what they report to other control planes of the same store. `sum`: all of them as one.

mod elsewhere;
mod service;
mod sum;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_proto::report::{BackendHealth, ReportHealthRequest};
use tokio::sync::Notify;

pub(crate) use self::elsewhere::share;
use self::elsewhere::{Heard, Untold};
pub(crate) use self::service::Reporting;
use crate::events::Turn;

/// Limits of what proxies may have remembered. A proxy that goes beyond one loses its stream, and what it told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Streams at once.
    pub(crate) streams: usize,
    /// Backends of one proxy.
    pub(crate) backends: usize,
    /// Length of a name, in bytes.
    pub(crate) name_bytes: usize,
    /// Length that a reason is cut to, in bytes.
    pub(crate) reason_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 16_384, backends: 100_000, name_bytes: 4096, reason_bytes: 512 }
    }
}

/// What a proxy reported goes beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Beyond {
    #[error("a name is longer than {0} bytes")]
    Name(usize),
    #[error("a proxy reports on at most {0} backends")]
    Backends(usize),
}

/// What proxies have reported.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    limits: Limits,
    inner: Mutex<Inner>,
    /// Something is to be told to others.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    opened: u64,
    /// By the streams on which they report.
    proxies: BTreeMap<u64, Proxy>,
    /// What other control planes tell.
    elsewhere: BTreeMap<Arc<str>, Heard>,
    /// Proxies that the others have to be told of. None where there are no others.
    untold: Option<Untold>,
}

#[derive(Debug)]
struct Proxy {
    node_id: Arc<str>,
    backends: HashMap<Box<str>, Health>,
}

/// How a backend fares, as one proxy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) healthy: u32,
    pub(crate) degraded: u32,
    pub(crate) unhealthy: u32,
    /// Why an endpoint is unhealthy.
    pub(crate) reason: Box<str>,
}

/// How many proxies say so of a backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// It has a healthy endpoint, and no other.
    pub(crate) healthy: u64,
    /// Some of its endpoints are healthy or degraded.
    pub(crate) degraded: u64,
    /// None is.
    pub(crate) unhealthy: u64,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A proxy reports from now on, until what is returned is dropped.
    pub(crate) fn open(self: &Arc<Self>, first: &ReportHealthRequest) -> Result<Stream, Beyond> {
        let most = self.limits.name_bytes;
        if first.node_id.len() > most || first.fleet.len() > most {
            return Err(Beyond::Name(most));
        }
        let mut inner = self.lock();
        inner.opened += 1;
        let id = inner.opened;
        inner.proxies.insert(id, Proxy { node_id: first.node_id.as_str().into(), backends: HashMap::new() });
        drop(inner);
        Ok(Stream { id, reports: Arc::clone(self) })
    }

    /// What proxies say of a backend, to whichever control plane, by what they call themselves. Those that say nothing are left out.
    pub(crate) fn of(&self, backend: &str) -> Vec<(Arc<str>, Health)> {
        let inner = self.lock();
        let known = |proxy: &Proxy| Some((Arc::clone(&proxy.node_id), proxy.backends.get(backend)?.clone()));
        // The latest first: a proxy that has two streams for a moment is one.
        let mut of_proxies: Vec<_> = inner.proxies.values().rev().filter_map(known).collect();
        // One that has come here from another control plane is known here for what it is now.
        for (node, backends) in inner.elsewhere.values().flat_map(|heard| &heard.proxies) {
            of_proxies.extend(backends.get(backend).map(|health| (Arc::clone(node), health.clone())));
        }
        of_proxies.sort_by(|(one, _), (other, _)| one.cmp(other));
        of_proxies.dedup_by(|(one, _), (other, _)| one == other);
        of_proxies
    }

    /// How many of the proxies that are connected here say what, of each backend: whoever adds up what control planes tell counts each once.
    pub(crate) fn counts(&self) -> BTreeMap<Box<str>, Count> {
        let mut counts: BTreeMap<Box<str>, Count> = BTreeMap::new();
        let inner = self.lock();
        let mut streams: HashMap<&str, usize> = HashMap::new();
        for proxy in inner.proxies.values() {
            *streams.entry(&proxy.node_id).or_default() += 1;
        }
        // Of a proxy that has two streams for a moment, what the later one tells counts.
        let mut told: HashSet<(&str, &str)> = HashSet::new();
        let latest = inner
            .proxies
            .values()
            .rev()
            .flat_map(|proxy| proxy.backends.iter().map(|(name, health)| (&*proxy.node_id, name, health)));
        for (node, name, health) in latest {
            if streams.get(node).is_some_and(|streams| *streams > 1) && !told.insert((node, name)) {
                continue;
            }
            let count = match counts.get_mut(name) {
                Some(count) => count,
                None => counts.entry(name.clone()).or_default(),
            };
            match health {
                Health { healthy: 0, degraded: 0, .. } => count.unhealthy += 1,
                Health { degraded: 0, unhealthy: 0, .. } => count.healthy += 1,
                _ => count.degraded += 1,
            }
        }
        drop((streams, told));
        drop(inner);
        counts
    }
}

/// What one proxy reports on. What it told is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    id: u64,
    reports: Arc<Reports>,
}

impl Stream {
    /// What the proxy calls itself.
    pub(crate) fn node(&self) -> Arc<str> {
        let inner = self.reports.lock();
        inner.proxies.get(&self.id).map_or_else(|| "".into(), |proxy| Arc::clone(&proxy.node_id))
    }

    /// Remembers what a message tells, and answers what is news of it: endpoints that take no requests, or do again.
    pub(crate) fn told(&self, message: ReportHealthRequest) -> Result<Vec<Turn>, Beyond> {
        let limits = self.reports.limits;
        let mut inner = self.reports.lock();
        let Some(node) = inner.proxies.get(&self.id).map(|proxy| Arc::clone(&proxy.node_id)) else {
            return Ok(Vec::new());
        };
        inner.touch(&node);
        self.reports.changed.notify_one();
        let Some(proxy) = inner.proxies.get_mut(&self.id) else { return Ok(Vec::new()) };
        let mut turns = Vec::new();
        for name in &message.forgotten {
            proxy.backends.remove(name.as_str());
        }
        for BackendHealth { backend, healthy, degraded, unhealthy, reason } in message.backends {
            if backend.len() > limits.name_bytes {
                return Err(Beyond::Name(limits.name_bytes));
            }
            let reason = reason.get(..reason.floor_char_boundary(limits.reason_bytes)).unwrap_or_default().into();
            let name: Box<str> = backend.into();
            let health = Health { healthy, degraded, unhealthy, reason };
            let before = proxy.backends.insert(name.clone(), health.clone());
            // Of one that is not known, that all is well is no news.
            if before.map_or(0, |before| before.unhealthy) != unhealthy {
                let Health { reason, .. } = health;
                turns.push(Turn { resource: name, well: healthy.saturating_add(degraded), unhealthy, reason });
            }
            if proxy.backends.len() > limits.backends {
                return Err(Beyond::Backends(limits.backends));
            }
        }
        Ok(turns)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut inner = self.reports.lock();
        if let Some(proxy) = inner.proxies.remove(&self.id) {
            inner.touch(&proxy.node_id);
            self.reports.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
