//! When a request is sent again, and when it is not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::compare;
use crate::row::{Expected, HOST, Row, Step, differs, same};
use crate::said::{failure, failure_again, why_again};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const GET: &str = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
const FAILING: Behaviour = Behaviour::Answer(503, Duration::ZERO);
const ONCE: &str = "200 - via_upstream 127.0.0.1";

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

/// Answers so once, and then with its address.
macro_rules! once {
    ($first:expr) => {{
        const BOTH: Behaviour = Behaviour::InTurn(&[$first, Behaviour::ADDRESS]);
        BOTH
    }};
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
    same(failure_again(&format!("503 URX,{flag}"), reason))
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

/// An answer that is nothing but a status of gRPC.
fn says_status(code: u16) -> Behaviour {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ncontent-length: 0";
    Behaviour::Write(format!("{head}\r\ngrpc-status: {code}\r\n\r\n").leak())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions() {
    let none = json!({});
    let status = |code| Behaviour::Answer(code, Duration::ZERO);
    /// A request that is sent again comes twice.
    fn sent(row: Row, answer: Expected, times: &'static str) -> Row {
        row.get(answer).see(Step::Received, same(times))
    }
    let again = |row| sent(row, same(ONCE), "2");
    let not = |row, answer| sent(row, same(answer), "1");
    let closed = failure("503 UC", "connection termination");
    const LIMITED: &str = "HTTP/1.1 503 No\r\ncontent-length: 2\r\nx-envoy-ratelimited: true\r\n\r\nno";
    const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort";
    const HEADER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-again: 1\r\n\r\nno";
    let by_header = |row: Row| {
        row.policy(json!({"retries": {"retryOn": ["retriable-headers"], "retriableHeaders": ["x-again"]}})).action(
            json!({"retry_policy": {
                "retry_on": "retriable-headers", "retriable_headers": [{"name": "x-again", "present_match": true}],
            }}),
        )
    };
    let full = |name| Row::fixed(name, &["127.0.0.2"]).upstream("127.0.0.2", Behaviour::Full);
    let fast = |row: Row| {
        let (mut policy, mut cluster) = (row.settings.policy.clone(), row.settings.cluster.clone());
        crate::row::merge(&mut policy, &json!({"timeouts": {"connect": "0.3s"}}));
        cluster = if cluster.is_null() { json!({}) } else { cluster };
        cluster["connect_timeout"] = "0.3s".into();
        row.policy(policy).cluster(cluster)
    };
    let mut rows = vec![
        again(retries(row("5xx-on-500", once!(Behaviour::Answer(500, Duration::ZERO))), "5xx", &none)),
        again(retries(row("5xx-on-close", once!(Behaviour::Close)), "5xx", &none)),
        again(retries(row("5xx-on-reset", once!(Behaviour::Abort)), "5xx", &none)),
        not(retries(row("5xx-not-on-404", status(404)), "5xx", &none), "404 - via_upstream 127.0.0.1"),
        not(
            retries(
                row("5xx-not-on-the-whole-timeout", Behaviour::Mute).route_timeout(Duration::from_millis(300)),
                "5xx",
                &none,
            ),
            "504 UT response_timeout upstream request timeout",
        ),
        again(retries(
            row("gateway-error-on-502", once!(Behaviour::Answer(502, Duration::ZERO))),
            "gateway-error",
            &none,
        )),
        again(retries(
            row("gateway-error-on-504", once!(Behaviour::Answer(504, Duration::ZERO))),
            "gateway-error",
            &none,
        )),
        again(retries(row("gateway-error-on-close", once!(Behaviour::Close)), "gateway-error", &none)),
        not(
            retries(row("gateway-error-not-on-501", status(501)), "gateway-error", &none),
            "501 - via_upstream 127.0.0.1",
        ),
        again(retries(row("reset-on-close", once!(Behaviour::Close)), "reset", &none)),
        again(retries(row("reset-on-reset", once!(Behaviour::Abort)), "reset", &none)),
        again(retries(row("reset-on-nonsense", once!(Behaviour::Write("what is this\r\n\r\n"))), "reset", &none)),
        again(retries(
            row("reset-on-its-own-timeout", once!(Behaviour::Mute)),
            "reset",
            &json!({"perTryTimeout": "0.3s"}),
        )),
        not(retries(row("reset-not-on-503", FAILING), "reset", &none), "503 - via_upstream 127.0.0.1"),
        sent(
            retries(row("reset-not-within-a-body", Behaviour::Write(SHORT)), "5xx,reset", &none),
            differs(
                "200 UPE upstream_reset_after_response_started{protocol_error} \
                 short [the connection ended within the body]",
                "200 UC upstream_reset_after_response_started{connection_termination} \
                 short [the connection ended within the body]",
                "what came was valid, and the connection ended",
            ),
            "1",
        ),
        not(retries(row("connect-failure-not-on-close", Behaviour::Close), "connect-failure", &none), closed),
        not(
            retries(row("connect-failure-not-on-503", FAILING), "connect-failure", &none),
            "503 - via_upstream 127.0.0.1",
        ),
        fast(retries(full("connect-failure-on-timeout"), "connect-failure", &none))
            .get(retried("UF", "connection timeout")),
        fast(retries(full("reset-before-request-on-timeout"), "reset-before-request", &none))
            .get(retried("UF", "connection timeout")),
        fast(retries(full("reset-on-connect-timeout"), "reset", &none)).get(retried("UF", "connection timeout")),
        fast(retries(full("gateway-error-on-connect-timeout"), "gateway-error", &none))
            .get(retried("UF", "connection timeout")),
        fast(retries(full("refused-stream-not-on-connect-timeout"), "refused-stream", &none))
            .get(same(failure("503 UF", "connection timeout"))),
        retries(Row::fixed("reset-before-request-on-refusal", HERE), "reset-before-request", &none)
            .get(retried("UF", "remote connection failure")),
        not(retries(row("reset-before-request-not-on-close", Behaviour::Close), "reset-before-request", &none), closed),
        not(
            retries(row("retriable-4xx-not-on-404", status(404)), "retriable-4xx", &none),
            "404 - via_upstream 127.0.0.1",
        ),
        not(
            retries(row("another-status", status(417)), "retriable-status-codes", &json!({"statuses": [418]})),
            "417 - via_upstream 127.0.0.1",
        ),
        again(by_header(row("header", once!(Behaviour::Write(HEADER))))),
        not(by_header(row("no-such-header", status(500))), "500 - via_upstream 127.0.0.1"),
        not(retries(row("rate-limited", Behaviour::Write(LIMITED)), "5xx", &none), "503 - via_upstream no"),
        again(retries(row("two-conditions", once!(Behaviour::Close)), "retriable-4xx,reset", &none)),
        not(retries(row("no-such-grpc-status", says_status(7)), "unavailable,internal", &none), "200 - via_upstream"),
    ];
    let calls = [
        ("cancelled", 1, "grpc-cancelled", "not-cancelled"),
        ("deadline-exceeded", 4, "grpc-deadline", "not-deadline"),
        ("resource-exhausted", 8, "grpc-exhausted", "not-exhausted"),
        ("internal", 13, "grpc-internal", "not-internal"),
        ("unavailable", 14, "grpc-unavailable", "not-unavailable"),
    ];
    for (on, code, covered, not_covered) in calls {
        let once: &'static [Behaviour] = vec![says_status(code), Behaviour::ADDRESS].leak();
        rows.push(again(retries(row(covered, Behaviour::InTurn(once)), on, &none)));
        let other = says_status(if code == 13 { 14 } else { 13 });
        rows.push(not(retries(row(not_covered, other), on, &none), "200 - via_upstream"));
    }
    compare(rows).await;
}

/// With more in both.
fn with(row: Row, policy: &Value, action: &Value) -> Row {
    let (mut ours, mut theirs) = (row.settings.policy.clone(), row.settings.action.clone());
    crate::row::merge(&mut ours, policy);
    crate::row::merge(&mut theirs, action);
    row.policy(ours).action(theirs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_often() {
    const FAILING_TWICE: Behaviour = Behaviour::InTurn(&[FAILING, FAILING, Behaviour::ADDRESS]);
    let none = json!({});
    let limited = |row: Row, limits: Value, thresholds: Value| {
        with(retries(row, "5xx", &none), &json!({ "limits": limits }), &none)
            .cluster(json!({"circuit_breakers": {"thresholds": [thresholds]}}))
    };
    let no_retries = |row| limited(row, json!({"retries": 0}), json!({"max_retries": 0}));
    let no_budget = |row| {
        let theirs = json!({"retry_budget": {"budget_percent": {"value": 0}, "min_retry_concurrency": 0}});
        limited(row, json!({"retryBudget": {"percent": 0, "minimum": 0}}), theirs)
    };
    let counting = |row: Row| {
        with(retries(row, "5xx", &none), &json!({"retries": {"countAttempts": true}}), &none)
            .virtual_host(json!({"include_request_attempt_count": true, "include_attempt_count_in_response": true}))
    };
    let counted = format!(
        "503 URX,UC upstream_reset_before_response_started{{connection_termination}}\ncontent-length: 118\n\
         content-type: text/plain\ndate\nx-envoy-attempt-count: 2\n\n{}",
        why_again("connection termination"),
    );
    let asking = |name, headers: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: {{row}}\r\n{headers}\r\n{{id}}\r\n");
        row(name, FAILING)
            .see(Step::Raw(request.leak()), same("503 - via_upstream 127.0.0.1"))
            .see(Step::Received, same("1"))
    };
    compare(vec![
        retries(row("third-time-lucky", FAILING_TWICE), "5xx", &json!({"attempts": 2}))
            .get(same(ONCE))
            .see(Step::Received, same("3")),
        retries(row("one-too-few", FAILING_TWICE), "5xx", &none)
            .get(same("503 URX via_upstream 127.0.0.1"))
            .see(Step::Received, same("2")),
        no_retries(row("no-retries-at-once", FAILING))
            .get(same("503 UO via_upstream 127.0.0.1"))
            .see(Step::Received, same("1")),
        no_retries(row("no-retries-at-once-after-close", Behaviour::Close))
            .get(same(failure("503 UO,UC", "connection termination")))
            .see(Step::Received, same("1")),
        no_budget(row("no-budget", FAILING)).get(same("503 UO via_upstream 127.0.0.1")).see(Step::Received, same("1")),
        counting(row("attempts-are-counted", Behaviour::InTurn(&[FAILING, Behaviour::EchoOwn]))).see(
            Step::Whole(GET),
            differs(
                "200 - via_upstream\ncontent-length: 92\ndate\nx-envoy-attempt-count: 2\n\nx-envoy-attempt-count: 2\n\
                 x-envoy-expected-rq-timeout-ms\nx-envoy-external-address: 127.0.0.77",
                "200 - via_upstream\ncontent-length: 24\ndate\nx-envoy-attempt-count: 2\n\nx-envoy-attempt-count: 2",
                "of the rest, only Envoy knows the meaning",
            ),
        ),
        counting(row("attempts-in-vain-are-counted", Behaviour::Close)).see(Step::Whole(GET), same(counted.leak())),
        asking("client-asks-for-retries", "x-envoy-retry-on: 5xx\r\nx-envoy-max-retries: 3"),
        asking("client-asks-for-retries-of-calls", "x-envoy-retry-grpc-on: unavailable"),
        row("client-asks-for-a-timeout", Behaviour::Answer(200, Duration::from_millis(500))).see(
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nx-envoy-upstream-rq-timeout-ms: 1\r\n{id}\r\n"),
            same(ONCE),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times() {
    const LATER: &str = "HTTP/1.1 503 No\r\ncontent-length: 2\r\nretry-after: 3\r\n\r\nno";
    const TIMEOUT: &str = "504 UT response_timeout upstream request timeout";
    let none = json!({});
    let soon = json!({"perTryTimeout": "0.3s"});
    let second = Duration::from_secs(1);
    let after = |row: Row, most: &str| {
        let theirs = json!({"retry_policy": {"rate_limited_retry_back_off": {
            "reset_headers": [{"name": "retry-after", "format": "SECONDS"}], "max_interval": most,
        }}});
        with(retries(row, "5xx", &none), &json!({"retries": {"maxRetryAfter": most}}), &theirs).route_timeout(second)
    };
    let once_mute = |name| row(name, once!(Behaviour::Mute));
    compare(vec![
        after(row("asked-to-wait", once!(Behaviour::Write(LATER))), "10s")
            .get(same(TIMEOUT))
            .see(Step::Received, same("1")),
        after(row("asked-to-wait-too-long", once!(Behaviour::Write(LATER))), "2s")
            .get(same(ONCE))
            .see(Step::Received, same("2")),
        retries(row("not-asking-who-waits", once!(Behaviour::Write(LATER))), "5xx", &none)
            .route_timeout(second)
            .get(same(ONCE)),
        retries(once_mute("second-try-in-time"), "5xx", &soon).get(same(ONCE)),
        retries(once_mute("gateway-error-on-its-own-timeout"), "gateway-error", &soon).get(same(ONCE)),
        retries(once_mute("connect-failure-not-on-its-own-timeout"), "connect-failure", &soon)
            .get(same("504 UT upstream_per_try_timeout upstream request timeout")),
        retries(row("per-try-longer-than-all", Behaviour::Mute), "5xx", &json!({"perTryTimeout": "2s"}))
            .route_timeout(second / 3)
            .get(same(TIMEOUT))
            .see(Step::Received, same("1")),
        retries(row("all-tries-together", Behaviour::Mute), "5xx", &json!({"attempts": 9, "perTryTimeout": "0.3s"}))
            .route_timeout(second / 2)
            .get(same(TIMEOUT))
            .see(Step::Received, same("2")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies() {
    const KEPT: &str =
        "bodies that are kept for another try are memory of the proxy: 64 KiB of each, where Envoy has a megabyte";
    const LATE: Behaviour = Behaviour::InTurn(&[FAILING, Behaviour::Bare]);
    const CHUNKS: &str = "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\n{id}\r\n\
         2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n";
    let retried = |row| retries(row, "5xx", &json!({}));
    compare(vec![
        retried(row("body-is-sent-again", LATE)).see(
            Step::Raw("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 4\r\n{id}\r\nbody"),
            same("200 - via_upstream POST / HTTP/1.1\ncontent-length: 4\nhost: {row}\n(4) body"),
        ),
        retried(row("chunks-are-sent-again", LATE)).see(
            Step::Raw(CHUNKS),
            same("200 - via_upstream POST / HTTP/1.1\nhost: {row}\ntransfer-encoding: chunked\n(4) abcd"),
        ),
        retried(row("body-of-60000", once!(FAILING))).see(Step::Post(60_000, HOST), same(ONCE)),
        retried(row("body-of-500000", once!(FAILING)))
            .see(Step::Post(500_000, HOST), differs(ONCE, "503 - via_upstream 127.0.0.1", KEPT))
            .see(Step::Received, differs("2", "1", KEPT)),
        retried(row("body-of-5000000", once!(FAILING)))
            .see(Step::Post(5_000_000, HOST), same("503 - via_upstream 127.0.0.1"))
            .see(Step::Received, same("1")),
    ])
    .await;
}
