//! What is counted of limits.

use serde_json::{Value, json};

use super::{of_one, row};
use crate::compare::compare;
use crate::row::{HOST, Row, Step, differs, same};
use crate::upstream::Behaviour;

pub(super) const ALWAYS: &str = "a limit of 0 is always reached; Envoy looks only when something begins or ends";
const OVERFLOW: &str = "503 UO upstream_reset_before_response_started{overflow} \
     upstream connect error or disconnect/reset before headers. reset reason: overflow";

/// The same limits in both.
fn limited(row: Row, ours: Value, theirs: Value) -> Row {
    row.policy(json!({"limits": ours})).cluster(json!({"circuit_breakers": {"thresholds": [theirs]}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    let every = json!({"connections": 10, "pendingRequests": 20, "requests": 30, "retries": 40});
    let theirs = json!({
        "max_connections": 10, "max_pending_requests": 20, "max_requests": 30, "max_retries": 40,
        "track_remaining": true,
    });
    compare(vec![
        limited(row("one-request", Behaviour::Mute), json!({"requests": 1}), json!({"max_requests": 1}))
            .then(Step::Begin(HOST))
            .then(Step::Counted("upstream_rq_total", 1))
            .get(same(OVERFLOW))
            .see(
                Step::Counts,
                same(of_one(
                    "circuit_breakers_default_rq_open 1, upstream_cx_active 2, upstream_cx_http1_total 2, \
                     upstream_cx_total 2, upstream_rq_active 1, upstream_rq_active_overflow 1, \
                     upstream_rq_completed 1, upstream_rq_total 1, upstream_rq_xx{5} 1",
                )),
            ),
        limited(
            row("one-connection", Behaviour::Mute),
            json!({"connections": 1, "pendingRequests": 1}),
            json!({"max_connections": 1, "max_pending_requests": 1}),
        )
        .then(Step::Begin(HOST))
        .then(Step::Counted("upstream_rq_total", 1))
        .then(Step::Begin(HOST))
        .then(Step::Counted("upstream_rq_pending_active", 1))
        .get(same(OVERFLOW))
        .see(
            Step::Counts,
            same(of_one(
                "circuit_breakers_default_cx_open 1, circuit_breakers_default_rq_pending_open 1, \
                 upstream_cx_active 1, upstream_cx_http1_total 1, upstream_cx_overflow 1, upstream_cx_total 1, \
                 upstream_rq_active 1, upstream_rq_completed 1, upstream_rq_pending_active 1, \
                 upstream_rq_pending_overflow 1, upstream_rq_total 1, upstream_rq_xx{5} 1",
            )),
        ),
        limited(
            row("nobody-may-wait", Behaviour::ADDRESS),
            json!({"pendingRequests": 0}),
            json!({"max_pending_requests": 0}),
        )
        .get(same(OVERFLOW))
        .see(
            Step::Counts,
            differs(
                of_one("upstream_rq_completed 1, upstream_rq_pending_overflow 1, upstream_rq_xx{5} 1"),
                of_one(
                    "circuit_breakers_default_rq_pending_open 1, upstream_rq_completed 1, \
                     upstream_rq_pending_overflow 1, upstream_rq_xx{5} 1",
                ),
                ALWAYS,
            ),
        ),
        limited(row("what-is-left", Behaviour::Mute), every, theirs)
            .then(Step::Begin(HOST))
            .then(Step::Counted("upstream_rq_total", 1))
            .then(Step::Counted("circuit_breakers_default_remaining_cx", 9))
            .then(Step::Counted("circuit_breakers_default_remaining_rq", 29))
            .then(Step::Counted("circuit_breakers_default_remaining_pending", 20))
            .then(Step::Counted("circuit_breakers_default_remaining_retries", 40)),
    ])
    .await;
}
