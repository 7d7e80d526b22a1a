//! What is counted of requests.

use std::time::Duration;

use serde_json::{Value, json};

use super::{FAILING, OK, counts, of_one, row};
use crate::compare::compare;
use crate::row::{HOST, Row, Step, differs, same};
use crate::said::{failure, failure_again};
use crate::upstream::Behaviour;

const SOON: Duration = Duration::from_millis(300);

fn retries(row: Row, on: &str, attempts: u64, more: Value) -> Row {
    let (mut ours, mut theirs) =
        (json!({"retryOn": [on], "attempts": attempts}), json!({"retry_on": on, "num_retries": attempts}));
    if let Some(timeout) = more["perTryTimeout"].as_str() {
        ours["perTryTimeout"] = timeout.into();
        theirs["per_try_timeout"] = timeout.into();
    }
    row.policy(json!({"retries": ours})).action(json!({"retry_policy": theirs}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers() {
    const ALL: Behaviour = Behaviour::InTurn(&[
        Behaviour::ADDRESS,
        Behaviour::Answer(204, Duration::ZERO),
        Behaviour::Answer(302, Duration::ZERO),
        Behaviour::Answer(404, Duration::ZERO),
        Behaviour::Answer(500, Duration::ZERO),
        FAILING,
    ]);
    const HINTS: &str = "HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const EACH: &str =
        "1 x 200 127.0.0.1, 1 x 204, 1 x 302 127.0.0.1, 1 x 404 127.0.0.1, 1 x 500 127.0.0.1, 1 x 503 127.0.0.1";
    let failed = |more: &str| -> &'static str {
        of_one(&format!(
            "upstream_cx_destroy 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 1, \
             upstream_rq_total 1, upstream_rq_xx{{5}} 1{more}"
        ))
    };
    compare(vec![
        counts(
            row("classes", ALL).see(Step::Count(6, HOST), same(EACH)),
            0,
            same(of_one(
                "upstream_cx_active 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 6, \
                 upstream_rq_total 6, upstream_rq_xx{2} 2, upstream_rq_xx{3} 1, upstream_rq_xx{4} 1, \
                 upstream_rq_xx{5} 2",
            )),
        ),
        counts(
            row("interim-answers", Behaviour::Write(HINTS)).get(differs(
                "200 - via_upstream ok",
                "103 200 - via_upstream ok",
                "a proxy passes them on (RFC 9110, 15.2)",
            )),
            1,
            differs(
                of_one(
                    "upstream_cx_destroy 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 2, \
                     upstream_rq_total 1, upstream_rq_xx{1} 1, upstream_rq_xx{2} 1",
                ),
                of_one(
                    "upstream_cx_destroy 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 1, \
                     upstream_rq_total 1, upstream_rq_xx{2} 1",
                ),
                "a request is completed once: interim answers count nowhere",
            ),
        ),
        counts(
            row("timeout", Behaviour::Mute)
                .route_timeout(SOON)
                .get(same("504 UT response_timeout upstream request timeout")),
            1,
            same(failed(", upstream_rq_timeout 1")),
        ),
        counts(
            row("closes", Behaviour::Close).get(same(failure("503 UC", "connection termination"))),
            1,
            same(failed("")),
        ),
        counts(
            row("no-http", Behaviour::Write("what is this\r\n\r\n")).get(same(failure("502 UPE", "protocol error"))),
            1,
            same(failed(", upstream_cx_protocol_error 1")),
        ),
        counts(
            row("resets-streams", Behaviour::Reset(2)).http2().get(same(failure("503 UR", "remote reset"))),
            0,
            same(of_one(
                "upstream_cx_active 1, upstream_cx_http2_total 1, upstream_cx_total 1, upstream_rq_completed 1, \
                 upstream_rq_rx_reset 1, upstream_rq_total 1, upstream_rq_xx{5} 1",
            )),
        ),
        counts(
            row("client-leaves", Behaviour::Mute)
                .see(Step::Leave("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), same("DC downstream_remote_disconnect")),
            1,
            same(of_one("upstream_cx_destroy 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_total 1")),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_again() {
    /// Fails, and closes the connection, which Envoy would not use again either way.
    const NO: Behaviour = Behaviour::Write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    const YES: Behaviour = Behaviour::Write("HTTP/1.1 200 Yes\r\ncontent-length: 0\r\n\r\n");
    const ONCE: Behaviour = Behaviour::InTurn(&[NO, YES]);
    let none = json!({});
    let no_retries = |row| {
        let row = retries(row, "5xx", 1, json!({}));
        let ours = json!({"limits": {"retries": 0}, "retries": row.settings.policy["retries"]});
        row.policy(ours).cluster(json!({"circuit_breakers": {"thresholds": [{"max_retries": 0}]}}))
    };
    let all = |connections: u64, more: &str| {
        of_one(&format!(
            "upstream_cx_destroy {connections}, upstream_cx_http1_total {connections}, \
             upstream_cx_total {connections}, upstream_rq_completed 1, upstream_rq_total {connections}, {more}"
        ))
    };
    const EXCEEDED: &str = "upstream_rq_retry_limit_exceeded 1, upstream_rq_xx{5} 1";
    compare(vec![
        counts(
            retries(row("retried", ONCE), "5xx", 2, none.clone()).get(same("200 - via_upstream")),
            2,
            same(all(2, "upstream_rq_retry 1, upstream_rq_retry_success 1, upstream_rq_xx{2} 1")),
        ),
        counts(
            retries(row("retried-in-vain", NO), "5xx", 2, none.clone()).get(same("503 URX via_upstream")),
            3,
            same(all(3, &format!("upstream_rq_retry 2, {EXCEEDED}"))),
        ),
        counts(
            retries(row("closes-again", Behaviour::Close), "reset", 1, none)
                .get(same(failure_again("503 URX,UC", "connection termination"))),
            2,
            same(all(2, &format!("upstream_rq_retry 1, {EXCEEDED}"))),
        ),
        counts(
            retries(row("timeout-of-each-try", Behaviour::Mute), "5xx", 1, json!({"perTryTimeout": "0.3s"}))
                .get(same("504 URX,UT upstream_per_try_timeout upstream request timeout")),
            2,
            same(all(2, &format!("upstream_rq_per_try_timeout 2, upstream_rq_retry 1, {EXCEEDED}"))),
        ),
        counts(
            no_retries(row("not-retried", NO)).get(same("503 UO via_upstream")),
            1,
            differs(
                all(1, "upstream_rq_retry_overflow 1, upstream_rq_xx{5} 1"),
                all(1, "circuit_breakers_default_rq_retry_open 1, upstream_rq_retry_overflow 1, upstream_rq_xx{5} 1"),
                super::limits::ALWAYS,
            ),
        ),
        counts(
            retries(row("too-long-to-be-retried", FAILING), "5xx", 1, json!({}))
                .see(Step::Post(5_000_000, HOST), same("503 - via_upstream 127.0.0.1")),
            0,
            same(of_one(
                "retry_or_shadow_abandoned 1, upstream_cx_active 1, upstream_cx_http1_total 1, upstream_cx_total 1, \
                 upstream_rq_completed 1, upstream_rq_total 1, upstream_rq_xx{5} 1",
            )),
        ),
        counts(
            retries(row("no-need-to-retry", Behaviour::ADDRESS), "5xx", 1, json!({})).get(same(OK)),
            0,
            same(of_one(
                "upstream_cx_active 1, upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 1, \
                 upstream_rq_total 1, upstream_rq_xx{2} 1",
            )),
        ),
    ])
    .await;
}
