//! What bounds and repeats requests, and how connections are kept.

use std::num::NonZeroU32;

use backstay_balancer::{Limits, RetryBudget, RetryPolicy};
use backstay_proto::config::{self, host_rewrite};
use http::HeaderValue;
use http::uri::Authority;

use super::{Connections, HostRewrite, Keepalive, Protocol, Retry};
use crate::fault::{Checked, Together, all, refuse, unknown};
use crate::scalar::{header_name, limit, positive};

/// More probes than any system sends.
const MAX_PROBES: u32 = 127;

pub(super) fn limits(given: Option<&config::Limits>, protocol: Protocol) -> Checked<Limits> {
    let defaults = Limits::default();
    let Some(given) = given else { return Ok(defaults) };
    if given.reject_when_full && protocol != Protocol::Http1 {
        return refuse("reject_when_full", "is for HTTP/1.1: a connection of HTTP/2 carries many requests");
    }
    let retry_budget = given.retry_budget.map(|budget| {
        if (0.0..=100.0).contains(&budget.percent) {
            Ok(RetryBudget { percent: budget.percent, minimum: budget.minimum })
        } else {
            refuse("retry_budget.percent", format!("is {}: it is 0 to 100", budget.percent))
        }
    });
    let connections = given.connections.or(defaults.connections);
    let requests = match (given.requests, connections.filter(|_| given.reject_when_full)) {
        (Some(requests), Some(connections)) => Some(requests.min(connections)),
        (only, None) | (None, only) => only,
    };
    Ok(Limits {
        connections,
        pending_requests: given.pending_requests.or(defaults.pending_requests),
        requests,
        retries: given.retries.or(defaults.retries),
        retry_budget: retry_budget.transpose()?,
        connections_per_endpoint: given.connections_per_endpoint,
    })
}

pub(super) fn retries(given: &config::Retries) -> Checked<Retry> {
    let timeouts =
        (limit("per_try_timeout", given.per_try_timeout), limit("per_try_idle_timeout", given.per_try_idle_timeout));
    let (policy, (per_try_timeout, per_try_idle_timeout)) = (retry_policy(given), timeouts.together()).together()?;
    Ok(Retry {
        policy,
        per_try_timeout,
        per_try_idle_timeout,
        avoid_previous_hosts: given.avoid_previous_hosts,
        count_attempts: given.count_attempts,
    })
}

fn retry_policy(given: &config::Retries) -> Checked<RetryPolicy> {
    let on = RetryPolicy::conditions(given.on.iter().map(String::as_str));
    let statuses = given.retriable_statuses.iter().map(|status| {
        u16::try_from(*status)
            .or_else(|_| refuse("retriable_statuses", format!("{status} is no status: they are 100 to 599")))
    });
    let headers = given.retriable_headers.iter().enumerate().map(|(index, name)| {
        header_name(&format!("retriable_headers[{index}]"), name).map(|name| name.as_str().to_owned())
    });
    let (on, retriable_statuses, retriable_headers, back_off_base, back_off_max, max_retry_after) = (
        on.or_else(|error| refuse("on", error.to_string())),
        all(statuses),
        all(headers),
        positive("back_off_base", given.back_off_base),
        positive("back_off_max", given.back_off_max),
        limit("max_retry_after", given.max_retry_after),
    )
        .together()?;
    let policy = RetryPolicy {
        on,
        attempts: given.attempts.max(1),
        retriable_statuses,
        retriable_headers,
        back_off_base: back_off_base.unwrap_or_else(|| RetryPolicy::default().back_off_base),
        back_off_max,
        max_retry_after,
    };
    policy.validate().or_else(|error| refuse("", error.to_string()))?;
    Ok(policy)
}

pub(super) fn connections(given: Option<&config::Connections>) -> Checked<Connections> {
    let defaults = Connections::default();
    let Some(given) = given else { return Ok(defaults) };
    let preconnect_percent = match given.preconnect_percent {
        0 => Ok(defaults.preconnect_percent),
        percent @ 100..=300 => Ok(percent),
        percent => refuse("preconnect_percent", format!("is {percent}: it is 100 to 300")),
    };
    let (max_lifetime, keepalive, preconnect_percent) = (
        limit("max_lifetime", given.max_lifetime),
        given.tcp_keepalive.as_ref().map_or(Ok(defaults.keepalive), keepalive),
        preconnect_percent,
    )
        .together()?;
    Ok(Connections {
        max_requests: NonZeroU32::new(given.max_requests),
        max_lifetime,
        keepalive,
        preconnect_percent,
        max_streams: NonZeroU32::new(given.max_concurrent_streams),
        max_head_size: NonZeroU32::new(given.max_head_size),
    })
}

/// `None` sends no probes.
fn keepalive(given: &config::connections::TcpKeepalive) -> Checked<Option<Keepalive>> {
    if given.disabled {
        let said = given.probes > 0 || given.idle.is_some() || given.interval.is_some();
        return match said {
            true => refuse("tcp_keepalive.disabled", "must not be set beside what says how probes are sent"),
            false => Ok(None),
        };
    }
    let defaults = Keepalive::default();
    let probes = match given.probes {
        0 => Ok(None),
        1..=MAX_PROBES => Ok(Some(given.probes)),
        probes => refuse("tcp_keepalive.probes", format!("is {probes}: it is at most {MAX_PROBES}")),
    };
    let (probes, idle, interval) =
        (probes, positive("tcp_keepalive.idle", given.idle), positive("tcp_keepalive.interval", given.interval))
            .together()?;
    let (idle, interval) = (idle.unwrap_or(defaults.idle), interval.unwrap_or(defaults.interval));
    Ok(Some(Keepalive { probes, idle, interval }))
}

pub(super) fn host(given: Option<&config::HostRewrite>) -> Checked<HostRewrite> {
    match given.and_then(|given| given.kind.as_ref()) {
        None if given.is_none() => Ok(HostRewrite::Keep),
        None => unknown(""),
        Some(host_rewrite::Kind::Automatic(automatic)) => {
            Ok(if *automatic { HostRewrite::Automatic } else { HostRewrite::Keep })
        }
        Some(host_rewrite::Kind::Literal(text)) => {
            let authority = text.parse::<Authority>().ok().filter(|_| !text.contains('@'));
            let value = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
            let invalid = || refuse("literal", format!("{text:?} is not a host with an optional port"));
            value.map_or_else(invalid, |value| Ok(HostRewrite::Literal(value)))
        }
    }
}
