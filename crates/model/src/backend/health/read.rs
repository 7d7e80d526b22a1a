use std::num::NonZeroU16;
use std::time::Duration;

use backstay_balancer::{Checks, Thresholds, VerdictRule, Window};
use backstay_proto::config::{self, health_check};
use http::{HeaderMap, HeaderValue, Method};

use super::{HealthCheck, HttpProbe, Probe};
use crate::backend::Protocol;
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::scalar::{header_name, positive};

/// Checks of one backend.
const MAX_CHECKS: usize = 8;

/// The active checks of a backend that speaks `protocol`.
pub(in crate::backend) fn health_checks(
    given: &[config::HealthCheck],
    protocol: Protocol,
) -> Checked<Box<[HealthCheck]>> {
    if given.len() > MAX_CHECKS {
        return refuse("health_checks", format!("there are {}: at most {MAX_CHECKS} can be made", given.len()));
    }
    let checks = given.iter().enumerate();
    all(checks.map(|(index, given)| check(given, protocol).within_element("health_checks", index)))
}

fn check(given: &config::HealthCheck, protocol: Protocol) -> Checked<HealthCheck> {
    let probe = match &given.kind {
        None => unknown(""),
        Some(health_check::Kind::Http(given)) if given.http10 && protocol == Protocol::Http2 => {
            refuse("http.http10", "needs a backend that speaks HTTP/1.1")
        }
        Some(health_check::Kind::Http(given)) => http(given).map(Probe::Http).within("http"),
        Some(health_check::Kind::Tcp(tcp)) => Ok(Probe::Tcp { send: tcp.send.clone(), receive: tcp.receive.clone() }),
        Some(health_check::Kind::Grpc(_)) if protocol == Protocol::Http1 => {
            refuse("grpc", "needs a backend that speaks HTTP/2")
        }
        Some(health_check::Kind::Grpc(grpc)) => Ok(Probe::Grpc { service: grpc.service.clone() }),
    };
    let port = u16::try_from(given.port).or_else(|_| refuse("port", "must be at most 65535"));
    let (probe, checks, timeout, port) = (probe, checks(given), needed("timeout", given.timeout), port).together()?;
    Ok(HealthCheck { probe, timeout, checks, port: NonZeroU16::new(port) })
}

/// A duration that has to be said, and be more than zero.
fn needed(field: &str, value: Option<prost_types::Duration>) -> Checked<Duration> {
    positive(field, value)?.map_or_else(|| refuse(field, "must be set"), Ok)
}

fn checks(given: &config::HealthCheck) -> Checked<Checks> {
    let rule = match given.verdict {
        None => unknown("verdict"),
        Some(health_check::Verdict::Thresholds(given)) => {
            Ok(VerdictRule::Thresholds(Thresholds { healthy: given.healthy, unhealthy: given.unhealthy }))
        }
        Some(health_check::Verdict::Window(given)) => {
            Ok(VerdictRule::Window(Window { window: given.window, threshold: given.threshold, initial: given.initial }))
        }
    };
    let (rule, interval, no_traffic_interval, unhealthy_interval) = (
        rule,
        needed("interval", given.interval),
        positive("no_traffic_interval", given.no_traffic_interval),
        positive("unhealthy_interval", given.unhealthy_interval),
    )
        .together()?;
    let checks = Checks { interval, no_traffic_interval, unhealthy_interval, rule };
    checks.validate().or_else(|error| refuse("", error.to_string()))?;
    Ok(checks)
}

fn http(given: &health_check::Http) -> Checked<HttpProbe> {
    let path = if given.path.is_empty() { "/" } else { &given.path };
    let path = match path.parse() {
        Ok(parsed) if path.starts_with('/') => Ok(parsed),
        _ => refuse("path", "must be a path, with a query or without"),
    };
    let method = if given.method.is_empty() { "GET" } else { &given.method };
    let method = match Method::from_bytes(method.as_bytes()) {
        Ok(method) if method != Method::CONNECT => Ok(method),
        _ => refuse("method", "is no method that can be sent"),
    };
    let host = (!given.host.is_empty()).then(|| HeaderValue::from_str(&given.host)).transpose();
    let host = host.or_else(|_| refuse("host", "cannot be sent"));
    let headers = given.headers.iter().enumerate().map(|(index, header)| {
        let value = HeaderValue::from_str(&header.value).or_else(|_| refuse("value", "cannot be sent"));
        (header_name("name", &header.name), value).together().within_element("headers", index)
    });
    let expected = given.expected_statuses.iter().enumerate().map(|(index, range)| {
        let valid = (100..600).contains(&range.start) && (range.start..600).contains(&range.end);
        match (u16::try_from(range.start), u16::try_from(range.end)) {
            (Ok(start), Ok(end)) if valid => Ok((start, end)),
            _ => refuse(format!("expected_statuses[{index}]"), "must be a range within 100 to 599"),
        }
    });
    let parts = (path, host, method, all::<_, Vec<_>>(headers), all::<_, Vec<_>>(expected));
    let (path, host, method, named, mut expected) = parts.together()?;
    if expected.is_empty() {
        expected.push((200, 200));
    }
    let mut headers = HeaderMap::with_capacity(named.len());
    for (name, value) in named {
        headers.append(name, value);
    }
    Ok(HttpProbe { path, host, method, expected, headers, http10: given.http10 })
}
