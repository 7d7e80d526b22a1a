//! What bounds and repeats requests, and how connections are kept.

use std::num::NonZeroU32;

use backstay_balancer::{Limits, RetryBudget, RetryPolicy};
use backstay_proto::config::{self, host_rewrite};
use http::HeaderValue;
use http::uri::Authority;

use super::balancing::header_name;
use super::fault::{Checked, Fault};
use super::time::{limit, positive};
use crate::config::{Connections, HostRewrite, Keepalive, Retry};

/// More probes than any system sends.
const MAX_PROBES: u32 = 127;

pub(super) fn limits(given: Option<&config::Limits>) -> Checked<Limits> {
    let defaults = Limits::default();
    let Some(given) = given else { return Ok(defaults) };
    let retry_budget = given.retry_budget.map(|budget| {
        if (0.0..=100.0).contains(&budget.percent) {
            Ok(RetryBudget { percent: budget.percent, minimum: budget.minimum })
        } else {
            Err(Fault::new("retry_budget.percent", format!("is {}: it is 0 to 100", budget.percent)))
        }
    });
    Ok(Limits {
        connections: given.connections.or(defaults.connections),
        pending_requests: given.pending_requests.or(defaults.pending_requests),
        requests: given.requests,
        retries: given.retries.or(defaults.retries),
        retry_budget: retry_budget.transpose()?,
        connections_per_endpoint: given.connections_per_endpoint,
    })
}

pub(super) fn retries(given: &config::Retries) -> Checked<Retry> {
    let on = RetryPolicy::conditions(given.on.iter().map(String::as_str));
    let defaults = RetryPolicy::default();
    let statuses = given.retriable_statuses.iter().map(|status| {
        u16::try_from(*status)
            .map_err(|_| Fault::new("retriable_statuses", format!("{status} is no status: they are 100 to 599")))
    });
    let headers = given.retriable_headers.iter().enumerate().map(|(index, name)| {
        header_name(&format!("retriable_headers[{index}]"), name).map(|name| name.as_str().to_owned())
    });
    let policy = RetryPolicy {
        on: on.map_err(|error| Fault::new("on", error.to_string()))?,
        attempts: given.attempts.max(1),
        retriable_statuses: statuses.collect::<Checked<_>>()?,
        retriable_headers: headers.collect::<Checked<_>>()?,
        back_off_base: positive("back_off_base", given.back_off_base)?.unwrap_or(defaults.back_off_base),
        back_off_max: positive("back_off_max", given.back_off_max)?,
        max_retry_after: limit("max_retry_after", given.max_retry_after)?,
    };
    policy.validate().map_err(|error| Fault::new("", error.to_string()))?;
    Ok(Retry {
        policy,
        per_try_timeout: limit("per_try_timeout", given.per_try_timeout)?,
        per_try_idle_timeout: limit("per_try_idle_timeout", given.per_try_idle_timeout)?,
        avoid_previous_hosts: given.avoid_previous_hosts,
        count_attempts: given.count_attempts,
    })
}

pub(super) fn connections(given: Option<&config::Connections>) -> Checked<Connections> {
    let defaults = Connections::default();
    let Some(given) = given else { return Ok(defaults) };
    let preconnect_percent = match given.preconnect_percent {
        0 => defaults.preconnect_percent,
        percent @ 100..=300 => percent,
        percent => return Err(Fault::new("preconnect_percent", format!("is {percent}: it is 100 to 300"))),
    };
    Ok(Connections {
        max_requests: NonZeroU32::new(given.max_requests),
        max_lifetime: limit("max_lifetime", given.max_lifetime)?,
        keepalive: given.tcp_keepalive.as_ref().map_or(Ok(defaults.keepalive), keepalive)?,
        preconnect_percent,
        max_streams: NonZeroU32::new(given.max_concurrent_streams),
    })
}

fn keepalive(given: &config::connections::TcpKeepalive) -> Checked<Keepalive> {
    let defaults = Keepalive::default();
    if given.probes > MAX_PROBES {
        return Err(Fault::new("tcp_keepalive.probes", format!("is {}: it is at most {MAX_PROBES}", given.probes)));
    }
    Ok(Keepalive {
        probes: (given.probes > 0).then_some(given.probes),
        idle: positive("tcp_keepalive.idle", given.idle)?.unwrap_or(defaults.idle),
        interval: positive("tcp_keepalive.interval", given.interval)?.unwrap_or(defaults.interval),
    })
}

pub(super) fn host(given: Option<&config::HostRewrite>) -> Checked<HostRewrite> {
    match given.and_then(|given| given.kind.as_ref()) {
        None if given.is_none() => Ok(HostRewrite::Keep),
        None => Err(Fault::unknown("")),
        Some(host_rewrite::Kind::Automatic(automatic)) => {
            Ok(if *automatic { HostRewrite::Automatic } else { HostRewrite::Keep })
        }
        Some(host_rewrite::Kind::Literal(text)) => {
            let invalid = || Fault::new("literal", format!("{text:?} is not a host with an optional port"));
            let authority: Authority = text.parse().map_err(|_| invalid())?;
            if text.contains('@') {
                return Err(invalid());
            }
            HeaderValue::from_str(authority.as_str()).map(HostRewrite::Literal).map_err(|_| invalid())
        }
    }
}
