//! Active checks.

use std::num::NonZeroU16;

use backstay_balancer::{Checks, Thresholds, VerdictRule, Window};
use backstay_proto::config::{self, health_check};
use http::{HeaderMap, HeaderValue, Method};

use super::balancing::header_name;
use super::fault::{Checked, Fault, Within};
use super::time::positive;
use crate::config::{HealthCheck, HttpProbe, Probe, Protocol};

/// Checks of one backend.
const MAX_CHECKS: usize = 8;

pub(super) fn health_checks(given: &[config::HealthCheck], protocol: Protocol) -> Checked<Box<[HealthCheck]>> {
    if given.len() > MAX_CHECKS {
        return Err(Fault::new(
            "health_checks",
            format!("there are {}: at most {MAX_CHECKS} can be made", given.len()),
        ));
    }
    let checks = given.iter().enumerate();
    checks.map(|(index, given)| check(given, protocol).within_element("health_checks", index)).collect()
}

fn check(given: &config::HealthCheck, protocol: Protocol) -> Checked<HealthCheck> {
    let probe = match &given.kind {
        None => return Err(Fault::unknown("")),
        Some(health_check::Kind::Http(given)) => Probe::Http(http(given).within("http")?),
        Some(health_check::Kind::Tcp(tcp)) => Probe::Tcp { send: tcp.send.clone(), receive: tcp.receive.clone() },
        Some(health_check::Kind::Grpc(_)) if protocol == Protocol::Http1 => {
            return Err(Fault::new("grpc", "needs a backend that speaks HTTP/2"));
        }
        Some(health_check::Kind::Grpc(grpc)) => Probe::Grpc { service: grpc.service.clone() },
    };
    let rule = match given.verdict {
        None => return Err(Fault::unknown("verdict")),
        Some(health_check::Verdict::Thresholds(given)) => {
            VerdictRule::Thresholds(Thresholds { healthy: given.healthy, unhealthy: given.unhealthy })
        }
        Some(health_check::Verdict::Window(given)) => {
            VerdictRule::Window(Window { window: given.window, threshold: given.threshold, initial: given.initial })
        }
    };
    let needed = |field| move || Fault::new(field, "must be set");
    let checks = Checks {
        interval: positive("interval", given.interval)?.ok_or_else(needed("interval"))?,
        no_traffic_interval: positive("no_traffic_interval", given.no_traffic_interval)?,
        unhealthy_interval: positive("unhealthy_interval", given.unhealthy_interval)?,
        rule,
    };
    checks.validate().map_err(|error| Fault::new("", error.to_string()))?;
    let timeout = positive("timeout", given.timeout)?.ok_or_else(needed("timeout"))?;
    let port = u16::try_from(given.port).map_err(|_| Fault::new("port", "must be at most 65535"))?;
    Ok(HealthCheck { probe, timeout, checks, port: NonZeroU16::new(port) })
}

fn http(given: &health_check::Http) -> Checked<HttpProbe> {
    let path = if given.path.is_empty() { "/" } else { &given.path };
    let path = path.parse().ok().filter(|_| path.starts_with('/'));
    let method = if given.method.is_empty() { "GET" } else { &given.method };
    let method = Method::from_bytes(method.as_bytes()).ok().filter(|method| *method != Method::CONNECT);
    let mut headers = HeaderMap::new();
    for (index, header) in given.headers.iter().enumerate() {
        let name = header_name(&format!("headers[{index}].name"), &header.name)?;
        let value = HeaderValue::from_str(&header.value);
        headers.append(name, value.map_err(|_| Fault::new(format!("headers[{index}].value"), "cannot be sent"))?);
    }
    let range = |(index, range): (usize, &health_check::StatusRange)| {
        let valid = (100..600).contains(&range.start) && (range.start..600).contains(&range.end);
        match (u16::try_from(range.start), u16::try_from(range.end)) {
            (Ok(start), Ok(end)) if valid => Ok((start, end)),
            _ => Err(Fault::new(format!("expected_statuses[{index}]"), "must be a range within 100 to 599")),
        }
    };
    let expected: Vec<_> = given.expected_statuses.iter().enumerate().map(range).collect::<Checked<_>>()?;
    let host = (!given.host.is_empty()).then(|| HeaderValue::from_str(&given.host)).transpose();
    Ok(HttpProbe {
        path: path.ok_or_else(|| Fault::new("path", "must be a path, with a query or without"))?,
        host: host.map_err(|_| Fault::new("host", "cannot be sent"))?,
        method: method.ok_or_else(|| Fault::new("method", "is no method that can be sent"))?,
        expected: if expected.is_empty() { vec![(200, 200)] } else { expected },
        headers,
    })
}
