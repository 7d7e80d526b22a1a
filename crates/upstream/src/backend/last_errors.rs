//! What last went wrong at the endpoints of a backend, for whoever is asked why it fails.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What last went wrong at the endpoints of a backend. Nothing of it decides anything.
#[derive(Debug, Default)]
pub struct LastErrors {
    /// Boxed, as nothing goes wrong at most backends.
    connections: Mutex<Option<Box<Connections>>>,
    checks: Mutex<Option<Box<Checks>>>,
}

/// Why checks failed.
type Checks = BTreeMap<CheckKey, Box<str>>;

/// Endpoints of which it is noted that the latest connection to them failed. More are not told apart.
const MAX_FAILING: usize = 256;

/// Failures to connect: the last one, and which endpoints have failed since a connection to them was opened.
#[derive(Debug, Default)]
struct Connections {
    last: Option<Box<FailedConnection>>,
    failing: HashMap<SocketAddr, Failing>,
}

/// An endpoint to which no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// What happened last.
    pub error: Arc<str>,
    /// How often in a row.
    pub times: u64,
}

/// An endpoint, by its address and a port of its own, and the position of a check.
type CheckKey = (IpAddr, Option<NonZeroU16>, u32);

/// A connection that did not come about, or was ended by the endpoint before it was of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedConnection {
    /// The other end.
    pub address: SocketAddr,
    /// What happened.
    pub error: String,
    /// What to look at, where that is known.
    pub advice: Option<&'static str>,
    /// When, as [`uptime`](super::uptime) counts.
    pub at: Duration,
}

impl LastErrors {
    /// Notes a failure, in place of the one before.
    pub fn connection_failed(&self, failure: FailedConnection) {
        let mut connections = lock(&self.connections);
        let connections = connections.get_or_insert_default();
        let room = connections.failing.len() < MAX_FAILING;
        match connections.failing.get_mut(&failure.address) {
            Some(failing) => {
                failing.times = failing.times.saturating_add(1);
                failing.error = failure.error.as_str().into();
            }
            None if room => {
                let error = failure.error.as_str().into();
                connections.failing.insert(failure.address, Failing { error, times: 1 });
            }
            None => {}
        }
        connections.last = Some(Box::new(failure));
    }

    /// A connection to `address` was opened: it does not fail any more.
    pub fn connected(&self, address: SocketAddr) {
        if let Some(connections) = &mut *lock(&self.connections)
            && !connections.failing.is_empty()
        {
            connections.failing.remove(&address);
        }
    }

    /// How connections to `address` and `port` fail, if they do; on any port where it is `None`.
    pub fn failing(&self, address: IpAddr, port: Option<NonZeroU16>) -> Option<Failing> {
        let connections = lock(&self.connections);
        let at = |known: &SocketAddr| known.ip() == address && port.is_none_or(|port| port.get() == known.port());
        connections.as_ref()?.failing.iter().find(|(known, _)| at(known)).map(|(_, failing)| failing.clone())
    }

    /// The last failure there was.
    pub fn failed_connection(&self) -> Option<FailedConnection> {
        lock(&self.connections).as_ref()?.last.as_deref().cloned()
    }

    /// Notes why the latest check number `check` of an endpoint failed; `None` where it passed.
    pub fn checked(&self, endpoint: (IpAddr, Option<NonZeroU16>), check: u32, failure: Option<&str>) {
        let key = (endpoint.0, endpoint.1, check);
        let mut checks = lock(&self.checks);
        match failure {
            Some(failure) => {
                checks.get_or_insert_default().insert(key, failure.into());
            }
            None => {
                if let Some(checks) = &mut *checks {
                    checks.remove(&key);
                }
            }
        }
    }

    /// Forgets the checks of an endpoint that is gone.
    pub fn forget(&self, endpoint: (IpAddr, Option<NonZeroU16>)) {
        if let Some(checks) = &mut *lock(&self.checks) {
            checks.retain(|(address, port, _), _| (*address, *port) != endpoint);
        }
    }

    /// Forgets all checks: they begin anew, or there are none any more.
    pub fn forget_checks(&self) {
        *lock(&self.checks) = None;
    }

    /// The checks of an endpoint whose latest answer was a failure, by their position, and why.
    pub fn failed_checks(&self, endpoint: (IpAddr, Option<NonZeroU16>)) -> Vec<(u32, Box<str>)> {
        let checks = lock(&self.checks);
        let range = (endpoint.0, endpoint.1, 0)..=(endpoint.0, endpoint.1, u32::MAX);
        let range = checks.iter().flat_map(|checks| checks.range(range.clone()));
        range.map(|((_, _, check), failure)| (*check, failure.clone())).collect()
    }
}

/// What is noted is replaced whole, so that a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
