//! How a backend's requests are spread, bounded and repeated.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{LoadBalancing, OutlierDetection, Policy as Choice, RetryPolicy};
use http::{HeaderName, HeaderValue};

use super::HealthCheck;

/// What an operator may say about a backend beyond where it is. The default costs a request nothing: endpoints in turn, no
/// retries, no bounds on requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// How endpoints are chosen.
    pub balancing: Arc<LoadBalancing>,
    /// What of a request is hashed, for the policies that place requests by a hash.
    pub hash: Box<[HashPolicy]>,
    /// When endpoints are ejected. `None`: never.
    pub outlier: Option<OutlierDetection>,
    /// Active checks: an endpoint is used while it passes all of them.
    pub health: Box<[HealthCheck]>,
    /// When a request is sent again. `None`: when a kept connection turned out to be closed before it was sent, or the endpoint
    /// said in going away that it did not look at it.
    pub retries: Option<Retry>,
    /// How connections are kept.
    pub connections: Connections,
    /// Which host is sent.
    pub host: HostRewrite,
    /// Whether requests under way are counted, because a limit depends on it.
    pub counts_requests: bool,
    /// Whether a request is counted before there is a connection for it, so that one too many does not wait for one.
    pub rejects_when_full: bool,
    /// Whether connections are counted for each endpoint, because a limit depends on it.
    pub counts_endpoints: bool,
}

impl Policy {
    /// Whether endpoints of equal standing may simply be taken in turn.
    pub fn takes_turns(&self) -> bool {
        *self.balancing == LoadBalancing::default()
            && self.host != HostRewrite::Automatic
            && self.outlier.is_none()
            && self.health.is_empty()
            && !self.retries.as_ref().is_some_and(|retries| retries.avoid_previous_hosts)
    }

    /// Whether a choice depends on a hash of the request.
    pub fn hashes(&self) -> bool {
        matches!(self.balancing.policy, Choice::RingHash(_) | Choice::Maglev(_)) && !self.hash.is_empty()
    }
}

/// One part of a request that is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashPolicy {
    /// Which part.
    pub kind: HashKind,
    /// Whether later ones count only where this one, or one before it, found nothing.
    pub terminal: bool,
}

/// What of a request is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashKind {
    /// All values of a header.
    Header(HeaderName),
    /// A cookie.
    Cookie(HashCookie),
    /// The client's address, without its port.
    SourceIp,
    /// The first value of a query parameter, as it is written.
    Query(Box<str>),
}

/// A cookie that keeps a client at its endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashCookie {
    /// Its name.
    pub name: Box<str>,
    /// Set: a client without it is given one for this long; zero for its session.
    pub ttl: Option<Duration>,
    /// Path of a cookie that is given; may be empty.
    pub path: Box<str>,
}

/// When a request is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// Conditions, attempts and waits.
    pub policy: RetryPolicy,
    /// From the start of an attempt, its connection included, to the head of its answer.
    pub per_try_timeout: Option<Duration>,
    /// How long an attempt may wait for the head of its answer, and for each part of the body after it.
    pub per_try_idle_timeout: Option<Duration>,
    /// Whether another endpoint is preferred.
    pub avoid_previous_hosts: bool,
    /// Whether endpoints and clients are told the number of the attempt.
    pub count_attempts: bool,
}

/// How connections are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Requests on one connection, after which it is closed.
    pub max_requests: Option<NonZeroU32>,
    /// Age from which on a connection takes no more requests; kept to within a second.
    pub max_lifetime: Option<Duration>,
    /// Probes on connections without traffic; `None` sends none.
    pub keepalive: Option<Keepalive>,
    /// Connections kept for each one in use, in percent: 100 to 300. HTTP/1.1 only: HTTP/2 shares connections.
    pub preconnect_percent: u32,
    /// Requests at once on one HTTP/2 connection; `None` leaves it to the endpoint, up to 256.
    pub max_streams: Option<NonZeroU32>,
    /// Bytes of a request's head, as HTTP/2 counts them (RFC 9113, 6.5.2); `None` leaves it to the proxy.
    pub max_head_size: Option<NonZeroU32>,
}

impl Default for Connections {
    /// No limits, nothing in advance.
    fn default() -> Self {
        Self {
            max_requests: None,
            max_lifetime: None,
            keepalive: Some(Keepalive::default()),
            preconnect_percent: 100,
            max_streams: None,
            max_head_size: None,
        }
    }
}

/// Probes on connections without traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Unanswered probes after which the connection is given up; `None` leaves it to the system.
    pub probes: Option<u32>,
    /// Silence before the first.
    pub idle: Duration,
    /// Between two.
    pub interval: Duration,
}

impl Default for Keepalive {
    /// After 60 s, each 15 s.
    fn default() -> Self {
        Self { probes: None, idle: Duration::from_secs(60), interval: Duration::from_secs(15) }
    }
}

/// Which host an endpoint is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostRewrite {
    /// The request's.
    #[default]
    Keep,
    /// This one.
    Literal(HeaderValue),
    /// The name of the endpoint, where it has one.
    Automatic,
}
