//! How much may be under way.

use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::compare;
use crate::row::{HOST, Row, Step, differs, same};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const OVERFLOW: &str = "503 UO upstream_reset_before_response_started{overflow} \
     upstream connect error or disconnect/reset before headers. reset reason: overflow";

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    let slow = Behaviour::Answer(200, Duration::from_secs(1));
    let breaker = |thresholds: Value| json!({"circuit_breakers": {"thresholds": [thresholds]}});
    let some = |served: usize, refused: usize| -> &'static str {
        format!("{served} x 200 - via_upstream 127.0.0.1, {refused} x {OVERFLOW}").leak()
    };
    compare(vec![
        row("one-connection-one-waits", slow)
            .policy(json!({"limits": {"connections": 1, "pendingRequests": 1}}))
            .cluster(breaker(json!({"max_connections": 1, "max_pending_requests": 1})))
            .then(Step::Begin(HOST))
            .then(Step::Counted("upstream_rq_total", 1))
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
            .then(Step::Counted("upstream_rq_total", 1))
            .see(Step::Head("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), differs(
                    "503\ncontent-length: 81\ncontent-type: text/plain\ndate\nserver: envoy\nx-envoy-overloaded: true\n\n\
                     upstream connect error or disconnect/reset before headers. reset reason: overflow",
                    "503\ncontent-length: 81\ncontent-type: text/plain\ndate\nx-envoy-overloaded: true\n\n\
                     upstream connect error or disconnect/reset before headers. reset reason: overflow",
                    "headers of Envoy's own"))
            .see(Step::End, same("200 - via_upstream 127.0.0.1")),
        row("nobody-may-wait", Behaviour::ADDRESS)
            .policy(json!({"limits": {"pendingRequests": 0}}))
            .cluster(breaker(json!({"max_pending_requests": 0})))
            .get(same(OVERFLOW)),
        row("two-connections-for-one-endpoint", slow)
            .policy(json!({"limits": {"connectionsPerEndpoint": 2}}))
            .cluster(json!({"circuit_breakers": {"per_host_thresholds": [{"max_connections": 2}]}}))
            .see(Step::Burst(4, HOST), same("4 x 200 - via_upstream 127.0.0.1"))
            .see(Step::Connected, same("127.0.0.1 127.0.0.1")),
    ])
    .await;
}
