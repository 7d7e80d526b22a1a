//! How long things may take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use crate::GoDuration;
use crate::field::{FieldPath, Findings};

/// How long things may take. Each is greater than 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendTimeouts {
    /// To establish a connection, TLS included. Default 5s. Envoy: `connect_timeout`. Fastly: `connect_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<GoDuration>,
    /// From the end of the request to the first byte of the answer. Default: no limit. Envoy: none of its own. Fastly:
    /// `first_byte_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<GoDuration>,
    /// Between two parts of the answer's body. Default: no limit. Envoy: `stream_idle_timeout`, which counts both
    /// directions. Fastly: `between_bytes_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_bytes: Option<GoDuration>,
    /// Whether an answer whose length was not announced is taken to be complete when betweenBytes has passed, so that clients
    /// cannot tell it from one that is. Default false: it is broken off. Fastly: always so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end_on_silence: bool,
    /// How long an unused connection is kept for reuse. Default 60s. Envoy: `common_http_protocol_options.idle_timeout`.
    /// Fastly: `keepalive_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<GoDuration>,
    /// The whole request, retries included, from its arrival. Where the route has a timeout as well, the shorter one counts.
    /// Default: no limit, where Envoy has 15s. Envoy: `timeout` of the route. Fastly: `fetch_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<GoDuration>,
}

impl BackendTimeouts {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let all = [
            ("connect", self.connect),
            ("firstByte", self.first_byte),
            ("betweenBytes", self.between_bytes),
            ("idle", self.idle),
            ("total", self.total),
        ];
        for (name, span) in all {
            bounds::positive(span, &path.child(name), findings);
        }
        if self.end_on_silence && self.between_bytes.is_none() {
            findings.forbidden(&path.child("endOnSilence"), "may only be specified together with betweenBytes");
        }
    }
}
