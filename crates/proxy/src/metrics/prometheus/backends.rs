use backstay_balancer::{EjectionReason, Limit};

use super::process::by_cause;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Levels, Rise, Rises, Times};
use crate::metrics::{BackendSnapshot, CLASSES};

/// Backends.
pub(super) const FAMILIES: &[Family<BackendSnapshot>] = &[
    Family {
        name: "backstay_backend_requests_total",
        help: "Requests sent to a backend, by class of the status that the client saw.",
        read: Rises("class", |backend| {
            CLASSES.iter().zip(&backend.metrics.requests).map(|(class, count)| (*class, count.get())).collect()
        }),
    },
    Family {
        name: "backstay_backend_active_requests",
        help: "Requests being served by a backend.",
        read: Level(|backend| Some(backend.metrics.active.get() as f64)),
    },
    Family {
        name: "backstay_backend_attempts_total",
        help: "Requests given to a connection, each time that they were.",
        read: Rise(|backend| backend.metrics.attempts.get()),
    },
    Family {
        name: "backstay_backend_latency_seconds",
        help: "Time from a request's head to the end of the answer's head.",
        read: Times(|backend| &backend.metrics.latency),
    },
    Family {
        name: "backstay_backend_requests_abandoned_total",
        help: "Requests whose client left before an answer to them began, or for which a drain waited no longer.",
        read: Rise(|backend| backend.metrics.abandoned.get()),
    },
    Family {
        name: "backstay_backend_abandoned_seconds",
        help: "How long clients had waited that left before an answer began.",
        read: Times(|backend| &backend.metrics.abandoned_after),
    },
    Family {
        name: "backstay_backend_timeouts_total",
        help: "Attempts and requests that a timeout ended.",
        read: Rises("timeout", |backend| {
            let timeouts = &backend.metrics.timeouts;
            vec![
                ("total", timeouts.total.get()),
                ("per_try", timeouts.per_try.get()),
                ("first_byte", timeouts.first_byte.get()),
                ("between_bytes", timeouts.between_bytes.get()),
            ]
        }),
    },
    Family {
        name: "backstay_backend_resets_total",
        help: "Attempts that the endpoint ended before its answer was complete.",
        read: Rises("cause", |backend| {
            let resets = &backend.metrics.resets;
            vec![
                ("stream", resets.stream.get()),
                ("connection", resets.connection.get()),
                ("protocol", resets.protocol.get()),
            ]
        }),
    },
    Family {
        name: "backstay_backend_no_endpoint_total",
        help: "Requests answered 503 because there was no endpoint to send them to.",
        read: Rise(|backend| backend.metrics.no_endpoint.get()),
    },
    Family {
        name: "backstay_backend_failures_total",
        help: "Requests of sequences that a backend did not answer, by cause.",
        read: Rises("cause", |backend| by_cause(&backend.metrics.failures)),
    },
    Family {
        name: "backstay_backend_loops_total",
        help: "Requests answered 508 because they had come through a dynamic backend too often.",
        read: Rise(|backend| backend.metrics.loops.get()),
    },
    Family {
        name: "backstay_backend_panic_requests_total",
        help: "Requests whose endpoint was chosen whatever its health.",
        read: Rise(|backend| backend.metrics.panics.get()),
    },
    Family {
        name: "backstay_backend_retries_total",
        help: "Requests sent again.",
        read: Rises("cause", |backend| {
            let retries = &backend.metrics.retries;
            vec![("policy", retries.policy.get()), ("closed_connection", retries.closed_connection.get())]
        }),
    },
    Family {
        name: "backstay_backend_retry_successes_total",
        help: "Requests that retries by policy brought to an answer.",
        read: Rise(|backend| backend.metrics.retries.successes.get()),
    },
    Family {
        name: "backstay_backend_retries_exhausted_total",
        help: "Requests that failed as often as the policy on retries allows.",
        read: Rise(|backend| backend.metrics.retries.exhausted.get()),
    },
    Family {
        name: "backstay_backend_retry_after_refused_total",
        help: "Answers that asked for a longer wait than the policy on retries heeds.",
        read: Rise(|backend| backend.metrics.retries.long_waits.get()),
    },
    Family {
        name: "backstay_backend_retry_buffer_overflows_total",
        help: "Requests that cannot be sent again because their body was longer than what is kept of it.",
        read: Rise(|backend| backend.metrics.retries.buffer_overflows.get()),
    },
    Family {
        name: "backstay_backend_connects_total",
        help: "Connections to a backend established.",
        read: Rise(|backend| backend.metrics.connects.get()),
    },
    Family {
        name: "backstay_backend_connect_failures_total",
        help: "Connections to a backend that could not be established.",
        read: Rises("cause", |backend| {
            let failures = &backend.metrics.connect_failures;
            vec![
                ("timeout", failures.timeout.get()),
                ("refused", failures.refused.get()),
                ("tls_certificate", failures.certificate.get()),
                ("tls_name", failures.name.get()),
                ("tls", failures.tls.get()),
                ("protocol", failures.protocol.get()),
            ]
        }),
    },
    Family {
        name: "backstay_backend_tls_handshakes_total",
        help: "TLS handshakes with a backend completed.",
        read: Rise(|backend| backend.metrics.tls_handshakes.get()),
    },
    Family {
        name: "backstay_backend_connections",
        help: "Connections to a backend open now.",
        read: Level(|backend| Some(backend.metrics.connections.get() as f64)),
    },
    Family {
        name: "backstay_backend_connections_closed_total",
        help: "Connections to a backend that have ended.",
        read: Rise(|backend| backend.metrics.connections_closed.get()),
    },
    Family {
        name: "backstay_backend_connections_retired_total",
        help: "Connections to a backend that were closed because a setting says so.",
        read: Rises("setting", |backend| {
            let retired = &backend.metrics.connections_retired;
            vec![
                ("max_requests", retired.max_requests.get()),
                ("max_lifetime", retired.max_lifetime.get()),
                ("idle", retired.idle.get()),
                ("max_idle_upstream", retired.max_idle.get()),
                ("unhealthy", retired.unhealthy.get()),
            ]
        }),
    },
    Family {
        name: "backstay_backend_streams_full_total",
        help: "Requests that found all HTTP/2 connections carrying as many requests as they may.",
        read: Rise(|backend| backend.metrics.streams_full.get()),
    },
    Family {
        name: "backstay_backend_overflows_total",
        help: "Times that a limit of a backend kept something from beginning.",
        read: Rises("limit", |backend| {
            Limit::ALL.map(|limit| (limit_name(limit), backend.breakers.overflows(limit))).to_vec()
        }),
    },
    Family {
        name: "backstay_backend_limit",
        help: "Limits of a backend. What is not limited has none.",
        read: Levels("limit", |backend| {
            let limit = |limit| Some((limit_name(limit), f64::from(backend.breakers.limit(limit)?)));
            Limit::ALL.into_iter().filter_map(limit).collect()
        }),
    },
    Family {
        name: "backstay_backend_in_use",
        help: "What is under way against a limit of a backend. What is not limited is not always counted.",
        read: Levels("limit", |backend| {
            let used = |limit| {
                let used = match limit {
                    Limit::EndpointConnections => backend.members.most_connections,
                    Limit::Requests if !backend.counts_requests() => return None,
                    Limit::Retries | Limit::RetryBudget if backend.breakers.limit(limit).is_none() => return None,
                    other => backend.breakers.active(other),
                };
                Some((limit_name(limit), f64::from(used)))
            };
            Limit::ALL.into_iter().filter_map(used).collect()
        }),
    },
    Family {
        name: "backstay_backend_endpoints",
        help: "Endpoints of a backend, by health.",
        read: Levels("health", |backend| {
            let members = backend.members;
            vec![
                ("healthy", members.healthy as f64),
                ("degraded", members.degraded as f64),
                ("unhealthy", members.unhealthy as f64),
            ]
        }),
    },
    Family {
        name: "backstay_backend_endpoint_changes_total",
        help: "Times that the list of a backend's endpoints changed.",
        read: Rise(|backend| backend.metrics.0.membership_changes.get()),
    },
    Family {
        name: "backstay_backend_ejected_endpoints",
        help: "Endpoints left out now as outliers.",
        read: Level(|backend| Some(backend.members.ejected as f64)),
    },
    Family {
        name: "backstay_backend_ejections_total",
        help: "Endpoints ejected as outliers.",
        read: Rises("detector", |backend| {
            let ejections = EjectionReason::ALL.iter().zip(&backend.metrics.ejections);
            ejections.map(|(reason, count)| (detector_name(*reason), count.get())).collect()
        }),
    },
    Family {
        name: "backstay_backend_ejections_withheld_total",
        help: "Outliers that were not ejected because too many endpoints are already.",
        read: Rise(|backend| backend.metrics.ejections_withheld.get()),
    },
    Family {
        name: "backstay_backend_endpoints_failing_checks",
        help: "Endpoints left out now because their active checks have failed, or have not passed yet.",
        read: Level(|backend| backend.is_checked().then_some(backend.members.failed_check as f64)),
    },
    Family {
        name: "backstay_backend_health_checks_total",
        help: "Active checks, by what came of them: the answer that was asked for, another, or none.",
        read: Rises("result", |backend| {
            let checks = &backend.metrics.health_checks;
            vec![("passed", checks.passed.get()), ("refused", checks.refused.get()), ("failed", checks.failed.get())]
        }),
    },
    Family {
        name: "backstay_backend_health_checks_delayed_total",
        help: "Active checks that began late because too many of the backend were under way.",
        read: Rise(|backend| backend.metrics.health_checks.delayed.get()),
    },
];

/// As the setting is named.
const fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Connections => "connections",
        Limit::PendingRequests => "pending_requests",
        Limit::Requests => "requests",
        Limit::Retries => "retries",
        Limit::RetryBudget => "retry_budget",
        Limit::EndpointConnections => "connections_per_endpoint",
    }
}

/// As the setting is named.
const fn detector_name(reason: EjectionReason) -> &'static str {
    match reason {
        EjectionReason::Consecutive5xx => "consecutive_5xx",
        EjectionReason::ConsecutiveGatewayFailure => "consecutive_gateway_failure",
        EjectionReason::ConsecutiveLocalOriginFailure => "consecutive_local_origin_failure",
        EjectionReason::SuccessRate => "success_rate",
        EjectionReason::FailurePercentage => "failure_percentage",
    }
}
