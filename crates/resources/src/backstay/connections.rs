//! How connections are kept.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds;
use crate::GoDuration;
use crate::field::{FieldPath, Findings};

/// The bounds of Linux: `MAX_TCP_KEEPCNT`, and `MAX_TCP_KEEPIDLE` and `MAX_TCP_KEEPINTVL` in seconds.
const MAX_PROBES: u32 = 127;
const MAX_KEEPALIVE: u64 = 32_767;
/// RFC 9113, section 6.5.2: values are 31 bits.
const MAX_STREAMS: u32 = i32::MAX.cast_unsigned();

/// How connections are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Connections {
    /// Requests on one connection before it is closed. At least 1. Default: no limit. Envoy:
    /// `max_requests_per_connection`. Fastly: `max_use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u32>,
    /// How long one connection takes requests. Default: no limit. Envoy: `max_connection_duration`. Fastly:
    /// `max_lifetime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<GoDuration>,
    /// Probes on connections without traffic, so that one whose other end is gone is noticed. They are sent by default; this
    /// says when, or that none are. Envoy, which sends none by default: `tcp_keepalive`. Fastly: `tcp_keepalive_enable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// Connections open for each one that is in use, in percent, so that the next request finds one; for HTTP/1.1, since
    /// HTTP/2 shares connections. 100 to 300, default 100: none in advance. Envoy: `per_upstream_preconnect_ratio`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preconnect_percent: Option<u32>,
    /// Requests at once on one connection, for the protocols `h2` and `h2c`. At least 1. Default: as many as the endpoint
    /// allows, at most 256. Envoy: `max_concurrent_streams`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_streams: Option<u32>,
    /// Bytes of a request's head, as HTTP/2 counts them (RFC 9113, section 6.5.2); a longer one is answered 431 and not sent.
    /// 1024 to 16777216. Default: over HTTP/2, where servers end the connection of all for it, what `--max-upstream-head-size`
    /// of the proxy says; over HTTP/1.1 no limit but that on what clients send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_head_size: Option<u32>,
}

/// Probes on connections without traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpKeepalive {
    /// Unanswered probes after which a connection is taken for dead. 1 to 127. Default: as the proxy's operating system has
    /// it. Envoy: `keepalive_probes`. Fastly: `tcp_keepalive_probes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<u32>,
    /// Time without traffic before the first probe, in whole seconds: 1s to 32767s. Default 60s. Envoy: `keepalive_time`.
    /// Fastly: `tcp_keepalive_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<GoDuration>,
    /// Between two probes, in whole seconds: 1s to 32767s. Default 15s. Envoy: `keepalive_interval`. Fastly:
    /// `tcp_keepalive_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// Whether none are sent. Not with the others. Default false. Fastly: `tcp_keepalive_enable`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl Connections {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        bounds::number(self.max_requests, 1, &path.child("maxRequests"), findings);
        bounds::positive(self.max_lifetime, &path.child("maxLifetime"), findings);
        if let Some(keepalive) = &self.tcp_keepalive {
            keepalive.check(&path.child("tcpKeepalive"), findings);
        }
        if let Some(percent) = self.preconnect_percent {
            findings.within(&path.child("preconnectPercent"), percent, &(100..=300));
        }
        if let Some(streams) = self.max_concurrent_streams {
            findings.within(&path.child("maxConcurrentStreams"), streams, &(1..=MAX_STREAMS));
        }
        if let Some(size) = self.max_head_size {
            findings.within(&path.child("maxHeadSize"), size, &(1 << 10..=16 << 20));
        }
    }
}

impl TcpKeepalive {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if self.disabled && (self.probes.is_some() || self.idle.is_some() || self.interval.is_some()) {
            findings.forbidden(&path.child("disabled"), "cannot be specified together with probes, idle or interval");
        }
        if let Some(probes) = self.probes {
            findings.within(&path.child("probes"), probes, &(1..=MAX_PROBES));
        }
        for (name, span) in [("idle", self.idle), ("interval", self.interval)] {
            let Some(span) = span else { continue };
            let path = path.child(name);
            if !(Duration::from_secs(1)..=Duration::from_secs(MAX_KEEPALIVE)).contains(&span.0) {
                let detail = format!("must be between 1s and {MAX_KEEPALIVE}s, inclusive");
                findings.invalid(&path, &span.to_string(), &detail);
            } else {
                bounds::whole_seconds(span, &path, findings);
            }
        }
    }
}
