use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{Breakers, Limits};

use backstay_upstream::counts::{BackendCounts, ConnectFailures, HealthChecks, Resets, Retired, RetryCounts, Timeouts};

use super::{BackendSnapshot, Counted, Members, Process, envoy, prometheus};
use backstay_trace::{SpanId, TraceId};

fn backend(name: &str) -> BackendSnapshot {
    BackendSnapshot {
        name: name.into(),
        metrics: Counted::default(),
        breakers: Breakers::new(&Limits::default()),
        backend: None,
        members: Members::default(),
        cache: None,
    }
}

fn process() -> Process {
    Process {
        server: Arc::default(),
        control: Arc::default(),
        limits: crate::limits::Limits::default(),
        names: backstay_dns_cache::NameStats::default(),
        watched: (0, 0),
        certificates: vec![("secret/n/s".into(), 1_609_459_200.0)],
        backends: 2,
        draining: false,
        ready: true,
        usage: crate::process::Usage::default(),
    }
}

#[test]
fn backends_that_were_never_used_are_left_out() {
    let (used, unused) = (backend("backend/a\"b"), backend("backend/unused"));
    let BackendCounts { requests, active, latency, .. } = &**used.metrics.0;
    requests[1].increment(3);
    active.increment();
    latency.record(Duration::from_millis(3), Some((TraceId::new(1, 2), SpanId::new(3))));
    latency.record(Duration::from_secs(7), None);
    let backends = [used, unused];
    let text = prometheus(&process(), &backends, &[], false);
    assert!(!text.contains("trace_id"), "{text}");
    let open = prometheus(&process(), &backends, &[], true);
    let bucket = r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="0.005"} 1 # {trace_id="00000000000000010000000000000002",span_id="0000000000000003"} 0.003 "#;
    assert!(open.lines().any(|line| line.starts_with(bucket)) && open.matches("trace_id").count() == 1, "{open}");
    for line in [
        r#"backstay_backend_requests_total{backend="backend/a\"b",class="2xx"} 3"#,
        r#"backstay_backend_active_requests{backend="backend/a\"b"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="0.0025"} 0"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="0.005"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="5"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="+Inf"} 2"#,
        r#"backstay_backend_latency_seconds_sum{backend="backend/a\"b"} 7.003"#,
        r#"backstay_backend_latency_seconds_count{backend="backend/a\"b"} 2"#,
        "# TYPE backstay_backend_latency_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let envoy = envoy(&process(), &backends);
    let line = r#"envoy_cluster_upstream_rq_xx{envoy_cluster_name="a\"b",envoy_response_code_class="2"} 3"#;
    assert!(envoy.lines().any(|found| found == line), "{envoy}");
    assert!(!text.contains("unused") && !envoy.contains("unused"));
}

/// Raises each count of a backend by another number. Which series show it: the project's, and the one of Envoy that shows nothing else.
#[test]
fn each_count_has_its_series() {
    let backends = [backend("backend/b")];
    let membership_changes = &backends[0].metrics.0.membership_changes;
    let BackendCounts {
        requests: [informed, good, moved, wrong, broken],
        // Levels and times are in the test above.
        active: _,
        latency: _,
        abandoned_after: _,
        connections: _,
        attempts,
        abandoned,
        timeouts: Timeouts { total, per_try, first_byte, between_bytes },
        resets: Resets { stream, connection, protocol },
        no_endpoint,
        // By cause: in the tests of sequences.
        failures: _,
        loops,
        panics,
        retries: RetryCounts { policy, closed_connection, successes, exhausted, long_waits, buffer_overflows },
        connects,
        connect_failures: ConnectFailures { timeout, refused, certificate, name, tls, protocol: no_protocol },
        tls_handshakes,
        connections_closed,
        connections_retired: Retired { max_requests, max_lifetime, idle, max_idle, unhealthy },
        streams_full,
        ejections: [in_a_row, gateway, local_origin, success_rate, failure_percentage],
        ejections_withheld,
        health_checks: HealthChecks { attempts: checks, passed, refused: checks_refused, failed, delayed },
    } = &**backends[0].metrics.0;
    let rows = [
        (informed, "requests_total,class=1xx", "upstream_rq_xx,envoy_response_code_class=1"),
        (good, "requests_total,class=2xx", "upstream_rq_xx,envoy_response_code_class=2"),
        (moved, "requests_total,class=3xx", "upstream_rq_xx,envoy_response_code_class=3"),
        (wrong, "requests_total,class=4xx", "upstream_rq_xx,envoy_response_code_class=4"),
        (broken, "requests_total,class=5xx", "upstream_rq_xx,envoy_response_code_class=5"),
        (attempts, "attempts_total", "upstream_rq_total"),
        (abandoned, "requests_abandoned_total", ""),
        (total, "timeouts_total,timeout=total", "upstream_rq_timeout"),
        (per_try, "timeouts_total,timeout=per_try", "upstream_rq_per_try_timeout"),
        (first_byte, "timeouts_total,timeout=first_byte", ""),
        (between_bytes, "timeouts_total,timeout=between_bytes", ""),
        (stream, "resets_total,cause=stream", "upstream_rq_rx_reset"),
        (connection, "resets_total,cause=connection", ""),
        (protocol, "resets_total,cause=protocol", "upstream_cx_protocol_error"),
        (no_endpoint, "no_endpoint_total", "upstream_cx_none_healthy"),
        (loops, "loops_total", ""),
        (panics, "panic_requests_total", "lb_healthy_panic"),
        (policy, "retries_total,cause=policy", "upstream_rq_retry"),
        (closed_connection, "retries_total,cause=closed_connection", ""),
        (successes, "retry_successes_total", "upstream_rq_retry_success"),
        (exhausted, "retries_exhausted_total", "upstream_rq_retry_limit_exceeded"),
        (long_waits, "retry_after_refused_total", ""),
        (buffer_overflows, "retry_buffer_overflows_total", "retry_or_shadow_abandoned"),
        (connects, "connects_total", ""),
        (timeout, "connect_failures_total,cause=timeout", "upstream_cx_connect_timeout"),
        (refused, "connect_failures_total,cause=refused", ""),
        (certificate, "connect_failures_total,cause=tls_certificate", "ssl_fail_verify_error"),
        (name, "connect_failures_total,cause=tls_name", "ssl_fail_verify_san"),
        (tls, "connect_failures_total,cause=tls", "ssl_connection_error"),
        (no_protocol, "connect_failures_total,cause=protocol", ""),
        (tls_handshakes, "tls_handshakes_total", "ssl_handshake"),
        (connections_closed, "connections_closed_total", ""),
        (max_requests, "connections_retired_total,setting=max_requests", "upstream_cx_max_requests"),
        (max_lifetime, "connections_retired_total,setting=max_lifetime", "upstream_cx_max_duration_reached"),
        (idle, "connections_retired_total,setting=idle", "upstream_cx_idle_timeout"),
        (max_idle, "connections_retired_total,setting=max_idle_upstream", ""),
        (unhealthy, "connections_retired_total,setting=unhealthy", ""),
        (streams_full, "streams_full_total", ""),
        (in_a_row, "ejections_total,detector=consecutive_5xx", "outlier_detection_ejections_enforced_consecutive_5xx"),
        (
            gateway,
            "ejections_total,detector=consecutive_gateway_failure",
            "outlier_detection_ejections_enforced_consecutive_gateway_failure",
        ),
        (
            local_origin,
            "ejections_total,detector=consecutive_local_origin_failure",
            "outlier_detection_ejections_enforced_consecutive_local_origin_failure",
        ),
        (success_rate, "ejections_total,detector=success_rate", "outlier_detection_ejections_enforced_success_rate"),
        (
            failure_percentage,
            "ejections_total,detector=failure_percentage",
            "outlier_detection_ejections_enforced_failure_percentage",
        ),
        (ejections_withheld, "ejections_withheld_total", "outlier_detection_ejections_overflow"),
        (checks, "", "health_check_attempt"),
        (passed, "health_checks_total,result=passed", "health_check_success"),
        (checks_refused, "health_checks_total,result=refused", ""),
        (failed, "health_checks_total,result=failed", "health_check_network_failure"),
        (delayed, "health_checks_delayed_total", ""),
        (membership_changes, "endpoint_changes_total", "membership_change"),
    ];
    for (number, (count, ..)) in (1000..).zip(&rows) {
        count.increment(number);
    }
    let (prometheus, envoy) = (prometheus(&process(), &backends, &[], false), envoy(&process(), &backends));
    let series = |prefix: &str, own_label: &str, row: &str, number: u64| {
        let (name, label) = row.split_once(',').unwrap_or((row, ""));
        let label = label.split_once('=').map_or(String::new(), |(label, value)| format!(",{label}=\"{value}\""));
        format!("{prefix}{name}{{{own_label}{label}}} {number}")
    };
    for (number, (_, own_row, envoy_row)) in (1000..).zip(&rows) {
        for (text, row, line) in [
            (&prometheus, own_row, series("backstay_backend_", "backend=\"backend/b\"", own_row, number)),
            (&envoy, envoy_row, series("envoy_cluster_", "envoy_cluster_name=\"b\"", envoy_row, number)),
        ] {
            assert!(row.is_empty() || text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
