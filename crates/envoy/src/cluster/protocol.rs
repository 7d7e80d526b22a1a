//! What is spoken to endpoints, and how connections are kept.

use std::collections::HashMap;

use backstay_model::{Backend, Connections, Discovery, Keepalive, OnSilence, Protocol};
use envoy_types::pb::envoy::config::cluster::v3::{UpstreamConnectionOptions, cluster::PreconnectPolicy};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::extensions::upstreams::http::v3 as http;
use envoy_types::pb::google::protobuf;
use http::http_protocol_options::explicit_http_config::ProtocolConfig;
use http::http_protocol_options::{ExplicitHttpConfig, UpstreamProtocolOptions};

use crate::omission::Omissions;
use crate::wire::{any, duration, number};

/// What a cluster's options of HTTP stand under.
const HTTP: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// One entry and no more: the encoding of a map of several would not always be the same.
pub(super) fn options(backend: &Backend) -> HashMap<String, protobuf::Any> {
    let Connections { max_requests, max_lifetime, max_streams, .. } = backend.spec.policy.connections;
    let protocol = match backend.spec.protocol {
        Protocol::Http1 => ProtocolConfig::HttpProtocolOptions(core::Http1ProtocolOptions::default()),
        Protocol::Http2 => ProtocolConfig::Http2ProtocolOptions(core::Http2ProtocolOptions {
            max_concurrent_streams: max_streams.and_then(|streams| number(streams.get())),
            ..Default::default()
        }),
    };
    let common = core::HttpProtocolOptions {
        idle_timeout: duration(backend.spec.timeouts.idle),
        max_connection_duration: max_lifetime.and_then(duration),
        max_requests_per_connection: max_requests.and_then(|requests| number(requests.get())),
        ..Default::default()
    };
    let by_authority = matches!(backend.discovery, Discovery::Dynamic(_)) && backend.tls.is_some();
    let names = by_authority.then(|| {
        let tls = backend.tls.as_ref();
        let own = tls.is_some_and(|tls| tls.server_name.is_none());
        let verified = tls.is_some_and(|tls| tls.verified_name.is_none() && !tls.skip_verification);
        core::UpstreamHttpProtocolOptions { auto_sni: own, auto_san_validation: own && verified, ..Default::default() }
    });
    let options = http::HttpProtocolOptions {
        common_http_protocol_options: Some(common),
        upstream_http_protocol_options: names,
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(protocol),
        })),
        ..Default::default()
    };
    HashMap::from([(HTTP.to_owned(), any(&options))])
}

/// Whole seconds, and at least one, as the system takes them.
pub(super) fn keepalive(keepalive: Option<Keepalive>) -> Option<UpstreamConnectionOptions> {
    let Keepalive { probes, idle, interval } = keepalive?;
    let seconds = |time: std::time::Duration| number(u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1));
    let keepalive = core::TcpKeepalive {
        keepalive_probes: probes.and_then(number),
        keepalive_time: seconds(idle),
        keepalive_interval: seconds(interval),
    };
    Some(UpstreamConnectionOptions { tcp_keepalive: Some(keepalive), ..Default::default() })
}

pub(super) fn preconnect(percent: u32) -> Option<PreconnectPolicy> {
    (percent > 100).then(|| PreconnectPolicy {
        per_upstream_preconnect_ratio: Some(protobuf::DoubleValue { value: f64::from(percent) / 100.0 }),
        ..Default::default()
    })
}

/// What Envoy has no like of: its timeouts of silence count from any part of a request on.
pub(super) fn note(backend: &Backend, omissions: &mut Omissions<'_>) {
    let timeouts = &backend.spec.timeouts;
    if backend.spec.policy.connections.max_head_size.is_some() {
        omissions.approximate("connections.max_head_size", "is not kept: Envoy limits what clients send alone");
    }
    if timeouts.first_byte.is_some() {
        omissions.approximate("timeouts.first_byte", "is not kept: Envoy has no timeout for the first byte alone");
    }
    if timeouts.between_bytes.is_some() {
        omissions.approximate("timeouts.between_bytes", "is not kept: Envoy has no timeout between parts of a body");
    }
    if timeouts.on_silence == OnSilence::End {
        omissions.approximate("timeouts.end_on_silence", "is not kept: Envoy breaks off what is not complete");
    }
}
