//! What bounds requests and connections, as a policy has it.

use backstay_proto::config;
use backstay_proto::config::host_rewrite::Kind;
use backstay_resources::backstay::{BackendTimeouts, Connections, HostRewrite, Limits, Retries};

use super::span;

pub(super) fn timeouts(given: &BackendTimeouts) -> config::Timeouts {
    config::Timeouts {
        connect: span(given.connect),
        idle: span(given.idle),
        first_byte: span(given.first_byte),
        between_bytes: span(given.between_bytes),
        end_on_silence: given.end_on_silence,
        total: span(given.total),
    }
}

pub(super) fn limits(given: &Limits) -> config::Limits {
    let budget = given.retry_budget.as_ref().map(|budget| config::limits::RetryBudget {
        percent: budget.percent.unwrap_or(20.0),
        minimum: budget.minimum.unwrap_or(3),
    });
    config::Limits {
        connections: given.connections,
        pending_requests: given.pending_requests,
        requests: given.requests,
        retries: given.retries,
        retry_budget: budget,
        connections_per_endpoint: given.connections_per_endpoint,
        reject_when_full: given.reject_when_full,
    }
}

pub(super) fn retries(given: &Retries) -> config::Retries {
    let back_off = given.back_off.clone().unwrap_or_default();
    config::Retries {
        on: given.retry_on.clone(),
        attempts: given.attempts.unwrap_or_default(),
        per_try_timeout: span(given.per_try_timeout),
        per_try_idle_timeout: span(given.per_try_idle_timeout),
        back_off_base: span(back_off.base),
        back_off_max: span(back_off.max),
        retriable_statuses: given.retriable_statuses.clone(),
        retriable_headers: given.retriable_headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
        avoid_previous_hosts: given.avoid_previous_hosts,
        max_retry_after: span(given.max_retry_after),
        count_attempts: given.count_attempts,
    }
}

pub(super) fn connections(given: &Connections) -> config::Connections {
    let keepalive = given.tcp_keepalive.as_ref().map(|keepalive| config::connections::TcpKeepalive {
        probes: keepalive.probes.unwrap_or_default(),
        idle: span(keepalive.idle),
        interval: span(keepalive.interval),
        disabled: keepalive.disabled,
    });
    config::Connections {
        max_requests: given.max_requests.unwrap_or_default(),
        max_lifetime: span(given.max_lifetime),
        tcp_keepalive: keepalive,
        preconnect_percent: given.preconnect_percent.unwrap_or_default(),
        max_concurrent_streams: given.max_concurrent_streams.unwrap_or_default(),
        max_head_size: given.max_head_size.unwrap_or_default(),
    }
}

pub(super) fn host(given: &HostRewrite) -> config::HostRewrite {
    let kind = match &given.literal {
        Some(host) => Kind::Literal(host.clone()),
        None => Kind::Automatic(given.automatic),
    };
    config::HostRewrite { kind: Some(kind) }
}
