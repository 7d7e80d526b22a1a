//! Backends and names as JSON.

use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{ConfiguredHealth, EjectionReason, Health, Limit};
use backstay_dns_cache::HostState;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Admin;
use crate::control::{BackendView, CertificateView, Model, look};
use crate::metrics::Members;
use backstay_upstream::{Backend, Endpoint, Endpoints, uptime};

pub(super) fn backends(model: &Model) -> Value {
    let backends = model.backends().map(|backend| {
        let endpoints = backend.endpoints.as_deref();
        let mut value = json!({
            "name": backend.name,
            "version": backend.version,
            "discovery": if backend.dynamic { "dynamic" } else { "static" },
            "addresses": endpoints.iter().flat_map(|list| list.iter()).map(|endpoint| endpoint.address).collect::<Vec<_>>(),
            "endpoints": endpoints.map(|list| list.iter().enumerate().map(|(index, endpoint)| view(backend.backend, list, index, endpoint)).collect::<Vec<_>>()),
            "limits": limits(&backend),
        });
        if let Some(failure) = backend.backend.and_then(|backend| backend.last_errors().failed_connection()) {
            value["lastConnectFailure"] = json!({
                "address": failure.address,
                "error": failure.error,
                "advice": failure.advice,
                "secondsAgo": seconds(uptime().saturating_sub(failure.at)),
            });
        }
        // Nothing fails, and nobody is served: that stands nowhere else among the endpoints.
        if let Some(metrics) = backend.backend.map(|backend| &backend.metrics).filter(|metrics| metrics.abandoned.get() > 0) {
            let after = super::troubles::typical(&metrics.abandoned_after);
            let count = metrics.abandoned.get();
            value["abandoned"] = json!({
                "requests": count,
                "inWords": format!("clients left before an answer began{after}: it is slower than they wait"),
            });
        }
        if !backend.failing_names.is_empty() {
            let failing = backend.failing_names.iter();
            value["failingNames"] = failing.map(|(name, error)| json!({ "name": name, "error": error })).collect();
        }
        if let Some(secret) = backend.waiting_for {
            value["waitingFor"] = json!(secret);
        }
        value
    });
    json!({ "backends": backends.collect::<Vec<_>>() })
}

/// One endpoint. Its requests are counted only where a policy of the backend asks for it; elsewhere they are null.
fn view(backend: Option<&Backend>, list: &Endpoints, index: usize, endpoint: &Endpoint) -> Value {
    let mut value = json!({
        "address": endpoint.address,
        "port": endpoint.port,
        "weight": endpoint.weight,
        "priority": endpoint.priority,
    });
    let (Some(state), Some(health)) = (list.set().state(index), list.set().health(index)) else { return value };
    value["health"] = json!(match health {
        Health::Healthy => "healthy",
        Health::Degraded => "degraded",
        Health::Unhealthy => "unhealthy",
    });
    let reasons = [
        ("failed active check", state.has_failed_check()),
        ("ejected as an outlier", state.is_ejected()),
        ("degraded by active check", state.health() == Health::Degraded),
        ("stated by its configuration", endpoint.stated != ConfiguredHealth::Healthy),
    ];
    value["reasons"] = reasons.iter().filter(|(_, holds)| *holds).map(|(reason, _)| *reason).collect();
    let failed = backend.map(|backend| backend.last_errors().failed_checks((endpoint.address, endpoint.port)));
    let failed = failed.unwrap_or_default();
    if !failed.is_empty() {
        value["failedChecks"] = failed.iter().map(|(check, why)| format!("healthChecks[{check}]: {why}")).collect();
    }
    // It is healthy as long as nothing checks it: that says less than this.
    let failing = backend.and_then(|backend| backend.last_errors().failing(endpoint.address, endpoint.port));
    if let Some(failing) = failing {
        value["failedConnections"] = json!({ "inARow": failing.times, "error": failing.error });
    }
    if let Some(reason) = state.ejection_reason() {
        let left = backend.and_then(Backend::detector).map(|detector| detector.time_left(state, uptime()));
        value["ejection"] = json!({
            "detector": detector_name(reason),
            "ejections": state.ejections(),
            "secondsLeft": left.map(seconds),
        });
    }
    let taken_in_turn = list.are_equal() && backend.is_some_and(|backend| backend.policy.takes_turns());
    value["activeRequests"] = json!((!taken_in_turn).then(|| state.active_requests()));
    value["requests"] = json!((!taken_in_turn).then(|| state.requests()));
    value["connections"] = json!(state.connections());
    value["connectionLimit"] = json!(backend.and_then(|backend| backend.breakers.limit(Limit::EndpointConnections)));
    value
}

/// As the setting of the detector is named.
const fn detector_name(reason: EjectionReason) -> &'static str {
    match reason {
        EjectionReason::Consecutive5xx => "consecutive5xx",
        EjectionReason::ConsecutiveGatewayFailure => "consecutiveGatewayFailure",
        EjectionReason::ConsecutiveLocalOriginFailure => "consecutiveLocalOriginFailure",
        EjectionReason::SuccessRate => "successRate",
        EjectionReason::FailurePercentage => "failurePercentage",
    }
}

/// What is under way, what may be, and how often a limit was reached. What nobody counts because nothing limits it is null, as is
/// a limit that there is not.
fn limits(view: &BackendView<'_>) -> Value {
    let breakers = view.breakers;
    let counts_requests = view.backend.is_some_and(|backend| backend.policy.counts_requests);
    let one = |limit: Limit| {
        let active = match limit {
            Limit::Requests if !counts_requests => None,
            // Of the endpoint that has the most.
            Limit::EndpointConnections => Some(view.backend.map_or(0, |backend| Members::of(backend).most_connections)),
            other => Some(breakers.active(other)),
        };
        json!({ "active": active, "limit": breakers.limit(limit), "overflows": breakers.overflows(limit) })
    };
    json!({
        "connections": one(Limit::Connections),
        "connectionsPerEndpoint": one(Limit::EndpointConnections),
        "pendingRequests": one(Limit::PendingRequests),
        "requests": one(Limit::Requests),
        "retries": one(Limit::Retries),
        "retryBudget": one(Limit::RetryBudget),
    })
}

/// Certificates at the time `now`, since 1970: those that end first come first.
pub(super) fn certificates(certificates: &[CertificateView], now: Duration) -> Value {
    let mut sorted: Vec<_> = certificates.iter().collect();
    sorted.sort_by_key(|certificate| (certificate.statement.valid_until, Arc::clone(&certificate.secret)));
    let time = |time: Option<Duration>| {
        time.and_then(|time| Timestamp::from_second(time.as_secs().try_into().ok()?).ok()).map(|time| time.to_string())
    };
    let view = |certificate: &&CertificateView| {
        json!({
            "secret": certificate.secret,
            "subject": certificate.statement.subject,
            "names": certificate.statement.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "notBefore": time(certificate.statement.valid_from),
            "notAfter": time(certificate.statement.valid_until),
            "daysLeft": certificate.days_left(now).map(|days| (days * 10.0).floor() / 10.0),
            "state": certificate.standing(now).as_str(),
            "listeners": certificate.listeners,
        })
    };
    json!({ "certificates": sorted.iter().map(view).collect::<Vec<_>>() })
}

pub(super) fn dns(admin: &Admin) -> Value {
    let caches: Vec<_> = look(&admin.model)
        .cached_hosts()
        .into_iter()
        .map(|(backend, hosts)| {
            let hosts = hosts.into_iter().map(|host| {
                json!({
                    "host": host.host,
                    "state": match host.state {
                        HostState::Loading => "loading",
                        HostState::Resolved => "resolved",
                        HostState::Stale => "stale",
                        HostState::Failed => "failed",
                    },
                    "addresses": host.addresses,
                    "ttlLeftSeconds": host.ttl_left.map(seconds),
                    "nextLookupSeconds": host.next_refresh.map(seconds),
                    "idleSeconds": seconds(host.idle),
                    "lastError": host.last_error,
                })
            });
            json!({ "backend": backend, "hosts": hosts.collect::<Vec<_>>() })
        })
        .collect();
    let names = admin.dns.watched().into_iter().map(|name| {
        json!({
            "name": name.name,
            "addresses": name.addresses,
            "nextLookupSeconds": name.next_refresh.map(seconds),
            "lastError": name.last_error,
        })
    });
    json!({ "caches": caches, "endpoints": names.collect::<Vec<_>>() })
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
