use backstay_balancer::{EjectionReason, Limit};
use backstay_model::Protocol;

use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Rise, Rises};
use crate::metrics::{BackendSnapshot, CacheSnapshot};

/// Clusters.
pub(super) const FAMILIES: &[Family<BackendSnapshot>] = &[
    Family {
        name: "envoy_cluster_upstream_rq_total",
        help: "Requests given to a connection.",
        read: Rise(|backend| backend.metrics.attempts.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_active",
        help: "Requests under way.",
        read: Level(|backend| {
            let waiting = u64::from(backend.breakers.active(Limit::PendingRequests));
            Some(backend.metrics.active.get().saturating_sub(waiting) as f64)
        }),
    },
    Family {
        name: "envoy_cluster_upstream_rq_completed",
        help: "Requests answered.",
        read: Rise(|backend| backend.metrics.requests.iter().map(|count| count.get()).sum()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_xx",
        help: "Requests answered, by class of status.",
        read: Rises("envoy_response_code_class", |backend| {
            let classes = ["1", "2", "3", "4", "5"].into_iter().zip(&backend.metrics.requests);
            classes.map(|(class, count)| (class, count.get())).collect()
        }),
    },
    Family {
        name: "envoy_cluster_upstream_rq_pending_active",
        help: "Requests that wait for a connection.",
        read: Level(|backend| Some(f64::from(backend.breakers.active(Limit::PendingRequests)))),
    },
    Family {
        name: "envoy_cluster_upstream_rq_pending_overflow",
        help: "Requests refused because too many waited.",
        read: Rise(|backend| backend.breakers.overflows(Limit::PendingRequests)),
    },
    Family {
        name: "envoy_cluster_upstream_rq_active_overflow",
        help: "Requests refused because too many were under way.",
        read: Rise(|backend| backend.breakers.overflows(Limit::Requests)),
    },
    Family {
        name: "envoy_cluster_upstream_rq_timeout",
        help: "Requests that took longer than they may as a whole.",
        read: Rise(|backend| backend.metrics.timeouts.total.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_per_try_timeout",
        help: "Attempts that took longer than one may.",
        read: Rise(|backend| backend.metrics.timeouts.per_try.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_retry",
        help: "Requests sent again by policy.",
        read: Rise(|backend| backend.metrics.retries.policy.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_retry_success",
        help: "Requests that were answered after they had been sent again.",
        read: Rise(|backend| backend.metrics.retries.successes.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_retry_limit_exceeded",
        help: "Requests that failed as often as they may.",
        read: Rise(|backend| backend.metrics.retries.exhausted.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_retry_overflow",
        help: "Requests not sent again because too many were.",
        read: Rise(|backend| {
            backend.breakers.overflows(Limit::Retries) + backend.breakers.overflows(Limit::RetryBudget)
        }),
    },
    Family {
        name: "envoy_cluster_retry_or_shadow_abandoned",
        help: "Requests whose body is too long to be sent again.",
        read: Rise(|backend| backend.metrics.retries.buffer_overflows.get()),
    },
    Family {
        name: "envoy_cluster_upstream_rq_rx_reset",
        help: "Streams that the endpoint reset.",
        read: Rise(|backend| backend.metrics.resets.stream.get()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_none_healthy",
        help: "Requests for which there was no endpoint.",
        read: Rise(|backend| backend.metrics.no_endpoint.get()),
    },
    Family { name: "envoy_cluster_upstream_cx_total", help: "Connections attempted.", read: Rise(attempted) },
    Family {
        name: "envoy_cluster_upstream_cx_http1_total",
        help: "HTTP/1.1 connections attempted.",
        read: Rise(|backend| if speaks(backend, Protocol::Http1) { attempted(backend) } else { 0 }),
    },
    Family {
        name: "envoy_cluster_upstream_cx_http2_total",
        help: "HTTP/2 connections attempted.",
        read: Rise(|backend| if speaks(backend, Protocol::Http2) { attempted(backend) } else { 0 }),
    },
    Family {
        name: "envoy_cluster_upstream_cx_active",
        help: "Connections open or being opened.",
        read: Level(|backend| Some(f64::from(backend.breakers.active(Limit::Connections)))),
    },
    Family {
        name: "envoy_cluster_upstream_cx_connect_fail",
        help: "Connections that could not be established.",
        read: Rise(|backend| backend.metrics.connect_failures.total()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_connect_timeout",
        help: "Connections not established in time.",
        read: Rise(|backend| backend.metrics.connect_failures.timeout.get()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_overflow",
        help: "Connections not opened because there were too many.",
        read: Rise(|backend| {
            backend.breakers.overflows(Limit::Connections) + backend.breakers.overflows(Limit::EndpointConnections)
        }),
    },
    Family {
        name: "envoy_cluster_upstream_cx_destroy",
        help: "Connections that have ended, those that were never established included.",
        read: Rise(|backend| backend.metrics.connections_closed.get() + backend.metrics.connect_failures.total()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_idle_timeout",
        help: "Connections closed because they were idle.",
        read: Rise(|backend| backend.metrics.connections_retired.idle.get()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_max_requests",
        help: "Connections closed because of the requests they had carried.",
        read: Rise(|backend| backend.metrics.connections_retired.max_requests.get()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_max_duration_reached",
        help: "Connections closed because of their age.",
        read: Rise(|backend| backend.metrics.connections_retired.max_lifetime.get()),
    },
    Family {
        name: "envoy_cluster_upstream_cx_protocol_error",
        help: "Connections closed because of what the endpoint sent.",
        read: Rise(|backend| backend.metrics.resets.protocol.get()),
    },
    Family {
        name: "envoy_cluster_ssl_handshake",
        help: "TLS handshakes completed.",
        read: Rise(|backend| backend.metrics.tls_handshakes.get()),
    },
    Family {
        name: "envoy_cluster_ssl_connection_error",
        help: "TLS failures other than those of certificates.",
        read: Rise(|backend| backend.metrics.connect_failures.tls.get()),
    },
    Family {
        name: "envoy_cluster_ssl_fail_verify_error",
        help: "Certificates of endpoints that are not to be trusted.",
        read: Rise(|backend| backend.metrics.connect_failures.certificate.get()),
    },
    Family {
        name: "envoy_cluster_ssl_fail_verify_san",
        help: "Certificates of endpoints that are for another name.",
        read: Rise(|backend| backend.metrics.connect_failures.name.get()),
    },
    Family {
        name: "envoy_cluster_lb_healthy_panic",
        help: "Requests whose endpoint was chosen whatever its health.",
        read: Rise(|backend| backend.metrics.panics.get()),
    },
    Family {
        name: "envoy_cluster_membership_total",
        help: "Endpoints.",
        read: Level(|backend| Some((backend.members.total() + hosts(backend)) as f64)),
    },
    Family {
        name: "envoy_cluster_membership_healthy",
        help: "Endpoints that are healthy.",
        read: Level(|backend| Some((backend.members.healthy + hosts(backend)) as f64)),
    },
    Family {
        name: "envoy_cluster_membership_degraded",
        help: "Endpoints that are degraded.",
        read: Level(|backend| Some(backend.members.degraded as f64)),
    },
    Family {
        name: "envoy_cluster_membership_change",
        help: "Changes of the list of endpoints.",
        read: Rise(|backend| backend.metrics.0.membership_changes.get()),
    },
    Family {
        name: "envoy_cluster_health_check_attempt",
        help: "Active checks begun.",
        read: Rise(|backend| backend.metrics.health_checks.attempts.get()),
    },
    Family {
        name: "envoy_cluster_health_check_success",
        help: "Active checks that passed.",
        read: Rise(|backend| backend.metrics.health_checks.passed.get()),
    },
    Family {
        name: "envoy_cluster_health_check_failure",
        help: "Active checks that did not pass.",
        read: Rise(|backend| backend.metrics.health_checks.refused.get() + backend.metrics.health_checks.failed.get()),
    },
    Family {
        name: "envoy_cluster_health_check_network_failure",
        help: "Active checks that were not answered.",
        read: Rise(|backend| backend.metrics.health_checks.failed.get()),
    },
    Family {
        name: "envoy_cluster_health_check_healthy",
        help: "Endpoints that are up by their checks.",
        read: Level(|backend| {
            backend.is_checked().then(|| backend.members.total().saturating_sub(backend.members.failed_check) as f64)
        }),
    },
    Family {
        name: "envoy_cluster_health_check_degraded",
        help: "Endpoints that are degraded by their checks.",
        read: Level(|backend| backend.is_checked().then_some(backend.members.said_degraded as f64)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_active",
        help: "Endpoints ejected now.",
        read: Level(|backend| Some(backend.members.ejected as f64)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_total",
        help: "Endpoints ejected.",
        read: Rise(|backend| backend.metrics.ejections.iter().map(|count| count.get()).sum()),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_overflow",
        help: "Endpoints not ejected because too many were.",
        read: Rise(|backend| backend.metrics.ejections_withheld.get()),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_consecutive_5xx",
        help: "Endpoints ejected for answers of 500 or more in a row.",
        read: Rise(|backend| ejections(backend, EjectionReason::Consecutive5xx)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_consecutive_gateway_failure",
        help: "Endpoints ejected for answers of 502 to 504 in a row.",
        read: Rise(|backend| ejections(backend, EjectionReason::ConsecutiveGatewayFailure)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_consecutive_local_origin_failure",
        help: "Endpoints ejected for failed connections in a row.",
        read: Rise(|backend| ejections(backend, EjectionReason::ConsecutiveLocalOriginFailure)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_success_rate",
        help: "Endpoints ejected because others are better.",
        read: Rise(|backend| ejections(backend, EjectionReason::SuccessRate)),
    },
    Family {
        name: "envoy_cluster_outlier_detection_ejections_enforced_failure_percentage",
        help: "Endpoints ejected for their share of failures.",
        read: Rise(|backend| ejections(backend, EjectionReason::FailurePercentage)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_cx_open",
        help: "1 while no more connections may be opened.",
        read: Level(|backend| open(backend, Limit::Connections)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_rq_pending_open",
        help: "1 while no more requests may wait.",
        read: Level(|backend| open(backend, Limit::PendingRequests)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_rq_open",
        help: "1 while no more requests may begin.",
        read: Level(|backend| open(backend, Limit::Requests)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_rq_retry_open",
        help: "1 while no more retries may begin.",
        read: Level(|backend| open(backend, retries(backend))),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_remaining_cx",
        help: "Connections that may yet be opened.",
        read: Level(|backend| remaining(backend, Limit::Connections)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_remaining_pending",
        help: "Requests that may yet begin to wait.",
        read: Level(|backend| remaining(backend, Limit::PendingRequests)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_remaining_rq",
        help: "Requests that may yet begin.",
        read: Level(|backend| remaining(backend, Limit::Requests)),
    },
    Family {
        name: "envoy_cluster_circuit_breakers_default_remaining_retries",
        help: "Retries that may yet begin.",
        read: Level(|backend| remaining(backend, retries(backend))),
    },
];

fn attempted(backend: &BackendSnapshot) -> u64 {
    backend.metrics.connects.get() + backend.metrics.connect_failures.total()
}

/// The hosts of a dynamic backend that have addresses: endpoints of a cluster of Envoy's.
fn hosts(backend: &BackendSnapshot) -> usize {
    let of = |cache: &CacheSnapshot| cache.stats.num_hosts.saturating_sub(cache.stats.num_negative_hosts);
    backend.cache.as_ref().map_or(0, |cache| usize::try_from(of(cache)).unwrap_or(usize::MAX))
}

fn speaks(backend: &BackendSnapshot, protocol: Protocol) -> bool {
    backend.backend.as_ref().is_some_and(|backend| backend.protocol == protocol)
}

fn ejections(backend: &BackendSnapshot, reason: EjectionReason) -> u64 {
    let counts = EjectionReason::ALL.iter().zip(&backend.metrics.ejections);
    counts.filter(|(of, _)| **of == reason).map(|(_, count)| count.get()).sum()
}

/// What bounds retries.
fn retries(backend: &BackendSnapshot) -> Limit {
    if backend.breakers.limit(Limit::RetryBudget).is_some() { Limit::RetryBudget } else { Limit::Retries }
}

/// What is not limited is never at its limit.
fn open(backend: &BackendSnapshot, limit: Limit) -> Option<f64> {
    let is_open = backend.breakers.limit(limit).is_some_and(|most| backend.breakers.active(limit) >= most);
    Some(f64::from(u8::from(is_open)))
}

fn remaining(backend: &BackendSnapshot, limit: Limit) -> Option<f64> {
    Some(f64::from(backend.breakers.limit(limit)?.saturating_sub(backend.breakers.active(limit))))
}
