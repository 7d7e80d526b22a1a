//! Retries, circuit breakers, outlier detection, health checks, timeouts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::compare;
use crate::row::{Expected, HOST, Row, Step, differs, same};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const OVERFLOW: &str = "503 UO upstream_reset_before_response_started{overflow} \
     upstream connect error or disconnect/reset before headers. reset reason: overflow";
const FAILING: Behaviour = Behaviour::Answer(503, Duration::ZERO);

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

/// The same retries in both.
fn retries(row: Row, on: &str, more: &Value) -> Row {
    let attempts = more["attempts"].as_u64().unwrap_or(1);
    let mut policy = json!({"retryOn": on.split(',').collect::<Vec<_>>(), "attempts": attempts});
    let mut action = json!({"retry_on": on, "num_retries": attempts});
    if let Some(timeout) = more["perTryTimeout"].as_str() {
        policy["perTryTimeout"] = timeout.into();
        action["per_try_timeout"] = timeout.into();
    }
    if more["avoidPreviousHosts"] == true {
        policy["avoidPreviousHosts"] = true.into();
        action["retry_host_predicate"] = json!([{
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            },
        }]);
        action["host_selection_retry_max_attempts"] = 5.into();
    }
    if let Some(statuses) = more["statuses"].as_array() {
        policy["retriableStatuses"] = statuses.clone().into();
        action["retriable_status_codes"] = statuses.clone().into();
    }
    row.policy(json!({"retries": policy})).action(json!({"retry_policy": action}))
}

/// What is answered when the last try failed as well.
fn retried(flag: &str, reason: &str) -> Expected {
    let details = format!("upstream_reset_before_response_started{{{}}}", reason.replace(' ', "_"));
    let before = "upstream connect error or disconnect/reset before headers.";
    same(format!("503 URX,{flag} {details} {before} retried and the latest reset reason: {reason}").leak())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_tried_again() {
    let none = json!({});
    compare(vec![
        retries(row("always-503", FAILING), "5xx", &json!({"attempts": 2}))
            .get(same("503 URX via_upstream 127.0.0.1"))
            .see(Step::Received, same("3")),
        retries(row("gateway-error", FAILING), "gateway-error", &none)
            .get(same("503 URX via_upstream 127.0.0.1"))
            .see(Step::Received, same("2")),
        retries(row("no-gateway-error", Behaviour::Answer(500, Duration::ZERO)), "gateway-error", &none)
            .get(same("500 - via_upstream 127.0.0.1"))
            .see(Step::Received, same("1")),
        retries(row("conflict", Behaviour::Answer(409, Duration::ZERO)), "retriable-4xx", &none)
            .get(same("409 URX via_upstream 127.0.0.1"))
            .see(Step::Received, same("2")),
        retries(
            row("chosen-status", Behaviour::Answer(418, Duration::ZERO)),
            "retriable-status-codes",
            &json!({"statuses": [418]}),
        )
        .get(same("418 URX via_upstream 127.0.0.1"))
        .see(Step::Received, same("2")),
        retries(row("reset", Behaviour::Close), "reset", &json!({"attempts": 2}))
            .get(retried("UC", "connection termination"))
            .see(Step::Received, same("3")),
        retries(row("reset-of-a-post", Behaviour::Close), "reset", &none)
            .see(Step::Post(1000, HOST), retried("UC", "connection termination"))
            .see(Step::Received, same("2")),
        retries(Row::fixed("nobody-listens", HERE), "connect-failure", &json!({"attempts": 2}))
            .get(retried("UF", "remote connection failure")),
        retries(
            Row::fixed("one-listens", &["127.0.0.1", "127.0.0.2"]).upstream("127.0.0.1", Behaviour::ADDRESS),
            "connect-failure",
            &json!({"avoidPreviousHosts": true}),
        )
        .see(Step::Count(20, HOST), same("20 x 200 127.0.0.1")),
        retries(
            Row::fixed("another-answers", &["127.0.0.1", "127.0.0.2"])
                .upstream("127.0.0.1", Behaviour::ADDRESS)
                .upstream("127.0.0.2", FAILING),
            "5xx",
            &json!({"avoidPreviousHosts": true}),
        )
        .see(Step::Count(20, HOST), same("20 x 200 127.0.0.1")),
        retries(row("each-try-in-time", Behaviour::Mute), "5xx", &json!({"attempts": 1, "perTryTimeout": "0.3s"}))
            .get(same("504 URX,UT upstream_per_try_timeout upstream request timeout"))
            .see(Step::Received, same("2")),
        retries(row("none-for-success", Behaviour::ADDRESS), "5xx", &none)
            .get(same("200 - via_upstream 127.0.0.1"))
            .see(Step::Received, same("1")),
        row("no-retries", FAILING).get(same("503 - via_upstream 127.0.0.1")).see(Step::Received, same("1")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    let slow = Behaviour::Answer(200, Duration::from_millis(500));
    let breaker = |thresholds: Value| json!({"circuit_breakers": {"thresholds": [thresholds]}});
    let some = |served: usize, refused: usize| -> &'static str {
        format!("{served} x 200 - via_upstream 127.0.0.1, {refused} x {OVERFLOW}").leak()
    };
    compare(vec![
        row("one-connection-one-waits", slow)
            .policy(json!({"limits": {"connections": 1, "pendingRequests": 1}}))
            .cluster(breaker(json!({"max_connections": 1, "max_pending_requests": 1})))
            .then(Step::Begin(HOST))
            .then(Step::Pass(Duration::from_millis(200)))
            .see(Step::Burst(3, HOST), same(some(1, 2)))
            .see(Step::End, same("200 - via_upstream 127.0.0.1")),
        row("two-requests", slow)
            .policy(json!({"limits": {"requests": 2}}))
            .cluster(breaker(json!({"max_requests": 2})))
            .see(Step::Burst(5, HOST), same(some(2, 3))),
        row("overflow-head", slow)
            .policy(json!({"limits": {"requests": 1}}))
            .cluster(breaker(json!({"max_requests": 1})))
            .then(Step::Begin(HOST))
            .then(Step::Pass(Duration::from_millis(200)))
            .see(Step::Head("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), differs(
                    "503\ncontent-length: 81\ncontent-type: text/plain\ndate\nserver: envoy\nx-envoy-overloaded: true\n\n\
                     upstream connect error or disconnect/reset before headers. reset reason: overflow",
                    "503\ncontent-length: 81\ncontent-type: text/plain\ndate\nx-envoy-overloaded: true\n\n\
                     upstream connect error or disconnect/reset before headers. reset reason: overflow",
                    "headers of Envoy's own"))
            .see(Step::End, same("200 - via_upstream 127.0.0.1")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_are_left_out() {
    let two = |name| {
        Row::fixed(name, &["127.0.0.1", "127.0.0.2"])
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .upstream("127.0.0.2", FAILING)
    };
    compare(vec![
        two("ejected")
            .policy(json!({"outlierDetection": {"consecutive5xx": 3, "maxEjectionPercent": 50}}))
            .cluster(json!({"outlier_detection": {"consecutive_5xx": 3, "max_ejection_percent": 50}}))
            .see(Step::Count(20, HOST), same("17 x 200 127.0.0.1, 3 x 503 127.0.0.2")),
        two("too-few-to-eject-one")
            .policy(json!({"outlierDetection": {"consecutive5xx": 3}}))
            .cluster(json!({"outlier_detection": {"consecutive_5xx": 3}}))
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 503 127.0.0.2")),
        row("the-only-one", FAILING)
            .policy(json!({"outlierDetection": {"consecutive5xx": 2}}))
            .cluster(json!({"outlier_detection": {"consecutive_5xx": 2}}))
            .see(Step::Count(6, HOST), same("6 x 503 127.0.0.1")),
        two("ejected-and-back")
            .policy(json!({"outlierDetection": {
                "consecutive5xx": 1, "maxEjectionPercent": 50, "interval": "200ms", "baseEjectionTime": "500ms",
            }}))
            .cluster(json!({"outlier_detection": {
                "consecutive_5xx": 1, "max_ejection_percent": 50, "interval": "0.2s", "base_ejection_time": "0.5s",
            }}))
            .see(Step::Count(4, HOST), same("3 x 200 127.0.0.1, 1 x 503 127.0.0.2"))
            .then(Step::Pass(Duration::from_millis(3000)))
            .see(Step::Count(4, HOST), same("3 x 200 127.0.0.1, 1 x 503 127.0.0.2")),
        two("checked")
            .policy(json!({"healthChecks": [{
                "http": {"path": "/"}, "interval": "200ms", "timeout": "1s", "thresholds": {"healthy": 1, "unhealthy": 1},
            }]}))
            .cluster(json!({"health_checks": [{
                "http_health_check": {"path": "/"}, "interval": "0.2s", "timeout": "1s", "healthy_threshold": 1,
                "unhealthy_threshold": 1,
            }]}))
            .then(Step::Pass(Duration::from_millis(800)))
            .see(Step::Count(10, HOST), same("10 x 200 127.0.0.1")),
    ])
    .await;
}
