//! Active checks.

use backstay_balancer::VerdictRule;
use backstay_model::{Backend, HealthCheck, HttpProbe, Probe, Protocol};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::core::v3::health_check::{
    GrpcHealthCheck, HealthChecker, HttpHealthCheck, Payload, TcpHealthCheck, payload,
};
use envoy_types::pb::envoy::r#type::v3::{CodecClientType, Int64Range};

use crate::omission::Omissions;
use crate::wire::{duration, flag, number};

/// The first of the checks: Envoy makes one.
pub(super) fn checks(
    checks: &[HealthCheck],
    backend: &Backend,
    omissions: &mut Omissions<'_>,
) -> Vec<core::HealthCheck> {
    if checks.len() > 1 {
        omissions.approximate("health_checks[1]", "is not made: Envoy makes one check of an endpoint, the first");
    }
    let first = checks.first().filter(|check| {
        let unspoken = matches!(check.probe, Probe::Grpc { .. }) && backend.spec.protocol == Protocol::Http1;
        if unspoken {
            omissions.approximate("health_checks[0].grpc", "is not made: Envoy asks by gRPC only what speaks HTTP/2");
        }
        !unspoken
    });
    let first = first.map(|check| one(check, backend, omissions));
    first.into_iter().collect()
}

fn one(check: &HealthCheck, backend: &Backend, omissions: &mut Omissions<'_>) -> core::HealthCheck {
    let (healthy, unhealthy) = match check.checks.rule {
        VerdictRule::Thresholds(thresholds) => (thresholds.healthy, thresholds.unhealthy),
        VerdictRule::Window(window) => {
            omissions.approximate("health_checks[0].window", "counts checks in a row: Envoy keeps no window of them");
            (window.threshold, window.window.saturating_sub(window.threshold).saturating_add(1))
        }
    };
    core::HealthCheck {
        timeout: duration(check.timeout),
        interval: duration(check.checks.interval),
        // Unset they would be Envoy's 60 s.
        no_traffic_interval: duration(check.checks.no_traffic_interval.unwrap_or(check.checks.interval)),
        unhealthy_interval: check.checks.unhealthy_interval.and_then(duration),
        healthy_threshold: number(healthy),
        unhealthy_threshold: number(unhealthy),
        reuse_connection: flag(true),
        health_checker: Some(checker(&check.probe, backend, omissions)),
        ..Default::default()
    }
}

fn checker(probe: &Probe, backend: &Backend, omissions: &mut Omissions<'_>) -> HealthChecker {
    match probe {
        Probe::Http(probe) => HealthChecker::HttpHealthCheck(http(probe, backend, omissions)),
        Probe::Tcp { send, receive } => HealthChecker::TcpHealthCheck(TcpHealthCheck {
            send: (!send.is_empty()).then(|| bytes(send)),
            receive: receive.iter().map(|part| bytes(part)).collect(),
            ..Default::default()
        }),
        Probe::Grpc { service } => {
            HealthChecker::GrpcHealthCheck(GrpcHealthCheck { service_name: service.clone(), ..Default::default() })
        }
    }
}

fn http(probe: &HttpProbe, backend: &Backend, omissions: &mut Omissions<'_>) -> HttpHealthCheck {
    if probe.http10 {
        omissions.approximate("health_checks[0].http.http10", "is asked by HTTP/1.1: Envoy's checks know no HTTP/1.0");
    }
    let method = core::RequestMethod::from_str_name(probe.method.as_str()).unwrap_or_else(|| {
        omissions.approximate("health_checks[0].http.method", "is GET: Envoy's checks do not have the method");
        core::RequestMethod::Get
    });
    let client = match backend.spec.protocol {
        Protocol::Http1 => CodecClientType::Http1,
        Protocol::Http2 => CodecClientType::Http2,
    };
    let headers = probe.headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?.replace('%', "%%");
        let header = core::HeaderValue { key: name.as_str().to_owned(), value, ..Default::default() };
        Some(core::HeaderValueOption { header: Some(header), ..Default::default() })
    });
    let range = |(start, end): &(u16, u16)| Int64Range { start: (*start).into(), end: i64::from(*end) + 1 };
    HttpHealthCheck {
        host: probe.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        path: probe.path.as_str().to_owned(),
        request_headers_to_add: headers.collect(),
        expected_statuses: probe.expected.iter().map(range).collect(),
        codec_client_type: client.into(),
        method: method.into(),
        ..Default::default()
    }
}

/// Bytes to send, or to find in what comes back: in hexadecimal, as Envoy's texts are.
fn bytes(bytes: &[u8]) -> Payload {
    let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Payload { payload: Some(payload::Payload::Text(text)) }
}
