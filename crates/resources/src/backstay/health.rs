//! Active checks of endpoints.

mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use self::rules::check;
use crate::GoDuration;

/// A check that asks each endpoint itself: exactly one of `http`, `tcp` and `grpc`. An endpoint is healthy while all its
/// checks say so. Envoy: `health_checks`. Fastly: a healthcheck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthCheck {
    /// A request, and the status of its answer. Envoy: `http_health_check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpHealthCheck>,
    /// A connection, and bytes if wanted. Envoy: `tcp_health_check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpHealthCheck>,
    /// The service grpc.health.v1, for the protocols `h2` and `h2c`. Envoy: `grpc_health_check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcHealthCheck>,
    /// How long one check may take. Default 5s. Envoy: `timeout`. Fastly: `timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// Time between two checks. Default 5s, at least 10ms. Envoy: `interval`. Fastly: `check_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// So many in a row change the verdict, as in Envoy; the default. Not with window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<HealthThresholds>,
    /// So many of the last so many must have passed, as in Fastly. Not with thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<HealthWindow>,
    /// In place of interval before the first traffic. At least 10ms. Default: interval. Envoy: `no_traffic_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_traffic_interval: Option<GoDuration>,
    /// In place of interval while the check fails. At least 10ms. Default: interval. Envoy: `unhealthy_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_interval: Option<GoDuration>,
    /// The port that is checked. Default: the one that traffic goes to. Envoy: `health_check_config.port_value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// A request, and the status of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpHealthCheck {
    /// Path and query. Default `/`. Envoy: `path`. Fastly: `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The header Host. Default: `host.literal` of the policy, else the name of the endpoint, else its address and port.
    /// Envoy: `host`. Fastly: `host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `GET`, `HEAD`, `POST`, `PUT`, `DELETE`, `OPTIONS`, `TRACE` or `PATCH`. Default `GET`. Envoy: `method`. Fastly:
    /// `method`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Statuses that pass. Default 200. Envoy: `expected_statuses`. Fastly: `expected_response`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub expected_statuses: Vec<StatusRange>,
    /// The version of HTTP that the request says, where the Backend's is HTTP/1: `1.1` or `1.0`. Default `1.1`. Fastly:
    /// `http_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<HttpVersion>,
    /// Headers that are sent besides. Envoy: `request_headers_to_add`. Fastly: `headers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub headers: Vec<CheckHeader>,
}

/// A version of HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.0.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http11,
}

/// Statuses from one to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StatusRange {
    /// The first, 100 to 599. Envoy: `start`.
    pub start: u32,
    /// The last, 100 to 599. Default: start. Envoy: `end`, which is one more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
}

/// A header that a check sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CheckHeader {
    /// Name, in any case.
    pub name: String,
    /// Value.
    pub value: String,
}

/// A connection, and bytes if wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpHealthCheck {
    /// What is sent. Default: nothing; a connection suffices. Envoy: `send`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<Payload>,
    /// What must appear in the answer, one after the other. Envoy: `receive`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub receive: Vec<Payload>,
}

/// Some bytes: exactly one of `text` and `base64`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Payload {
    /// As text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// As base64, padded. Envoy: `text`, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The service grpc.health.v1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrpcHealthCheck {
    /// Which service is asked after. Default: the server as a whole. Envoy: `service_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// So many in a row change the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HealthThresholds {
    /// So many that pass make it healthy; of a new endpoint the first suffices. At least 1, default 2. Envoy:
    /// `healthy_threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<u32>,
    /// So many without an answer make it unhealthy; an answer that it is not well does at once. At least 1, default 3.
    /// Envoy: `unhealthy_threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<u32>,
}

/// So many of the last so many must have passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HealthWindow {
    /// How many of the last checks count. 1 to 64, default 5. Fastly: `window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// How many of them must have passed: at least 1, at most size. Default 3. Fastly: `threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// How many are taken to have passed before the first, at most size. Default: threshold, so that endpoints begin
    /// healthy. Fastly: `initial`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<u32>,
}

impl HealthWindow {
    /// `size` where it is given, else its default.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size.unwrap_or(5)
    }

    /// `threshold` where it is given, else its default.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        self.threshold.unwrap_or(3)
    }

    /// `initial` where it is given, else its default.
    #[must_use]
    pub fn initial(&self) -> u32 {
        self.initial.unwrap_or_else(|| self.threshold())
    }
}

impl Payload {
    /// The bytes. `None` where it has none or they are malformed, which no admitted object has.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        match (&self.text, &self.base64) {
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(base64)) => base64::engine::general_purpose::STANDARD.decode(base64).ok(),
            _ => None,
        }
    }
}
