//! Active checks, as a policy has them. Defaults are written out.

use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::health_check as wire;
use backstay_resources::GoDuration;
use backstay_resources::backstay::{HealthCheck, HttpHealthCheck, HttpVersion, Payload, StatusRange};
use bytes::Bytes;

use super::span;

const TIMEOUT: GoDuration = GoDuration(Duration::from_secs(5));
const INTERVAL: GoDuration = GoDuration(Duration::from_secs(5));

pub(super) fn health_check(given: &HealthCheck) -> config::HealthCheck {
    let kind = if let Some(check) = &given.http {
        Some(wire::Kind::Http(http(check)))
    } else if let Some(check) = &given.tcp {
        let send = check.send.as_ref().map(payload).unwrap_or_default();
        Some(wire::Kind::Tcp(wire::Tcp { send, receive: check.receive.iter().map(payload).collect() }))
    } else {
        let service = |service: Option<&String>| service.cloned().unwrap_or_default();
        given.grpc.as_ref().map(|check| wire::Kind::Grpc(wire::Grpc { service: service(check.service.as_ref()) }))
    };
    let verdict = match &given.window {
        Some(window) => wire::Verdict::Window(wire::Window {
            window: window.size(),
            threshold: window.threshold(),
            initial: window.initial(),
        }),
        None => {
            let thresholds = given.thresholds.clone().unwrap_or_default();
            wire::Verdict::Thresholds(wire::Thresholds {
                healthy: thresholds.healthy.unwrap_or(2),
                unhealthy: thresholds.unhealthy.unwrap_or(3),
            })
        }
    };
    config::HealthCheck {
        kind,
        timeout: span(given.timeout.or(Some(TIMEOUT))),
        interval: span(given.interval.or(Some(INTERVAL))),
        verdict: Some(verdict),
        no_traffic_interval: span(given.no_traffic_interval),
        unhealthy_interval: span(given.unhealthy_interval),
        port: given.port.and_then(|port| u32::try_from(port).ok()).unwrap_or_default(),
    }
}

fn http(given: &HttpHealthCheck) -> wire::Http {
    let range = |range: &StatusRange| wire::StatusRange { start: range.start, end: range.end.unwrap_or(range.start) };
    wire::Http {
        path: given.path.clone().unwrap_or_else(|| "/".to_owned()),
        host: given.host.clone().unwrap_or_default(),
        method: given.method.clone().unwrap_or_default(),
        http10: given.version == Some(HttpVersion::Http10),
        expected_statuses: given.expected_statuses.iter().map(range).collect(),
        headers: given
            .headers
            .iter()
            .map(|header| wire::Header { name: header.name.clone(), value: header.value.clone() })
            .collect(),
    }
}

fn payload(given: &Payload) -> Bytes {
    given.bytes().unwrap_or_default().into()
}
