//! One upstream service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::{ClientTls, Discovery};

/// Identity of a [`Backend`] object: connection pools and balancing state belong to it. Two objects never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(u64);

/// What is spoken to the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, by prior knowledge or, over TLS, by ALPN (an endpoint that does not select `h2` is refused).
    Http2,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To establish a connection, TLS included.
    pub connect: Duration,
    /// How long an unused connection is kept for reuse.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 5 s to connect, 60 s idle.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), idle: Duration::from_secs(60) }
    }
}

/// What a backend counts. The control side makes the handles; [`BackendMetrics::noop`] counts nothing.
#[derive(Debug, Clone)]
pub struct BackendMetrics {
    /// Answers by first digit of their status: index 0 for 1xx, 4 for 5xx. The proxy's own answers after a failed
    /// attempt count as what the client saw.
    pub requests: [Counter; 5],
    /// Requests being served.
    pub active: Gauge,
    /// Connections established.
    pub connects: Counter,
    /// Connections that could not be established, time-outs included.
    pub connect_failures: Counter,
    /// Connections open now.
    pub connections: Gauge,
    /// Requests answered 504 because a timeout of the route passed.
    pub timeouts: Counter,
    /// Requests sent again because a kept connection turned out to be closed.
    pub retries: Counter,
    /// Seconds from the request's head to the end of the answer's head.
    pub latency: Histogram,
}

impl BackendMetrics {
    /// Handles that count nothing.
    pub fn noop() -> Self {
        Self {
            requests: [const { Counter::noop() }; 5],
            active: Gauge::noop(),
            connects: Counter::noop(),
            connect_failures: Counter::noop(),
            connections: Gauge::noop(),
            timeouts: Counter::noop(),
            retries: Counter::noop(),
            latency: Histogram::noop(),
        }
    }
}

/// What a [`Backend`] is made of.
#[derive(Debug)]
pub struct BackendSpec {
    /// Name of the resource.
    pub name: Arc<str>,
    /// What is spoken to the endpoints.
    pub protocol: Protocol,
    /// Where the endpoints come from.
    pub discovery: Discovery,
    /// Set to speak TLS to them.
    pub tls: Option<ClientTls>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What is counted.
    pub metrics: BackendMetrics,
}

/// One upstream service: a [`BackendSpec`] with an identity.
#[derive(Debug)]
pub struct Backend {
    id: BackendId,
    spec: BackendSpec,
}

impl Backend {
    /// A new identity for `spec`. An update that leaves the backend as it was must keep the old object instead.
    pub fn new(spec: BackendSpec) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self { id: BackendId(NEXT.fetch_add(1, Ordering::Relaxed)), spec })
    }

    /// Identity of this object.
    pub const fn id(&self) -> BackendId {
        self.id
    }
}

impl std::ops::Deref for Backend {
    type Target = BackendSpec;

    fn deref(&self) -> &BackendSpec {
        &self.spec
    }
}
