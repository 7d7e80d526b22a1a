//! Active checks of endpoints.

mod read;

use std::num::NonZeroU16;
use std::time::Duration;

use backstay_balancer::Checks;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

pub(super) use read::health_checks;

/// A question that is put to each endpoint again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked of the endpoint.
    pub probe: Probe,
    /// How long the answer may take, connecting included.
    pub timeout: Duration,
    /// When it is asked, and how answers are judged.
    pub checks: Checks,
    /// Port, where it is not the one that traffic goes to.
    pub port: Option<NonZeroU16>,
}

/// What is asked of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A request, in the backend's protocol.
    Http(HttpProbe),
    /// A connection, and perhaps some bytes.
    Tcp {
        /// Sent at once; may be empty.
        send: Bytes,
        /// Each must appear in the answer, in this order.
        receive: Vec<Bytes>,
    },
    /// `grpc.health.v1.Health/Check`.
    Grpc {
        /// Service; empty for the server as a whole.
        service: String,
    },
}

/// A request whose status tells how an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProbe {
    /// Its target.
    pub path: PathAndQuery,
    /// Host; `None` sends the backend's, or the endpoint's own name.
    pub host: Option<HeaderValue>,
    /// Its method.
    pub method: Method,
    /// Ranges of good statuses, both ends included.
    pub expected: Vec<(u16, u16)>,
    /// Further headers.
    pub headers: HeaderMap,
    /// Whether the request says HTTP/1.0. Of a backend that speaks HTTP/1.1 only.
    pub http10: bool,
}
