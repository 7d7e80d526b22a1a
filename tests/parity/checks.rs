//! Endpoints that are asked whether they are well.

use serde_json::{Value, json};

use crate::compare::compare;
use crate::row::{Endpoint, HOST, Row, Step, differs, same};
use crate::upstream::Behaviour;

const NAMES: &str = "who asks says so, asks for the endpoint by its own name (Envoy by that of its cluster), and says that it asks no more";
const MAIN: &str = "127.0.0.1";
const SPARE: &str = "127.0.0.2";
const TO_MAIN: Step = Step::Until(HOST, "200 127.0.0.1");
const TO_SPARE: Step = Step::Until(HOST, "200 127.0.0.2");

/// Checks of `/health` every 50 ms, with these thresholds and settings.
fn checked(row: Row, healthy: u32, unhealthy: u32, ours: &Value, theirs: &Value) -> Row {
    let (mut policy, mut http) = (json!({"path": "/health"}), json!({"path": "/health"}));
    crate::row::merge(&mut policy, ours);
    crate::row::merge(&mut http, theirs);
    row.policy(json!({
        "healthChecks": [{
            "http": policy, "interval": "50ms", "timeout": "1s", "thresholds": {"healthy": healthy, "unhealthy": unhealthy},
        }],
        "loadBalancing": {"panicThreshold": 0},
    }))
    .cluster(json!({
        "health_checks": [{
            "http_health_check": http, "interval": "0.05s", "no_traffic_interval": "0.05s", "timeout": "1s",
            "healthy_threshold": healthy, "unhealthy_threshold": unhealthy,
        }],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
    }))
}

/// A main endpoint that behaves so, and a well one in reserve: who answers tells how the main one is.
fn row(name: &'static str, main: Behaviour) -> Row {
    let endpoints = vec![Endpoint::new(MAIN), Endpoint::new(SPARE).priority(1)];
    Row::of(name, endpoints).upstream(MAIN, main).upstream(SPARE, Behaviour::Health(200))
}

fn plain(row: Row, healthy: u32, unhealthy: u32) -> Row {
    checked(row, healthy, unhealthy, &Value::Null, &Value::Null)
}

fn lone(name: &'static str, main: Behaviour) -> Row {
    Row::of(name, vec![Endpoint::new(MAIN)]).upstream(MAIN, main)
}

fn http2(row: Row, healthy: u32, unhealthy: u32) -> Row {
    checked(row.http2(), healthy, unhealthy, &Value::Null, &json!({"codec_client_type": "HTTP2"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    const WELL: Behaviour = Behaviour::Health(200);
    const FAILS_ITSELF: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-envoy-immediate-health-check-fail: true\r\n\r\n127.0.0.1",
    );
    const DEGRADED: Behaviour =
        Behaviour::Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-envoy-degraded: true\r\n\r\n127.0.0.1");
    // More checks than there is time for.
    const NEVER: u32 = 100_000;
    let nobody = same("503 UH no_healthy_upstream no healthy upstream");
    let expecting = |row| {
        let ours = json!({"expectedStatuses": [{"start": 204}]});
        let theirs = json!({"expected_statuses": [{"start": 204, "end": 205}]});
        checked(row, 1, 1, &ours, &theirs)
    };
    let told = |row| {
        let ours = json!({"host": "a.test", "method": "HEAD", "headers": [{"name": "X-Check", "value": "1"}]});
        let header = json!({"header": {"key": "X-Check", "value": "1"}});
        let theirs = json!({"host": "a.test", "method": "HEAD", "request_headers_to_add": [header]});
        checked(row, 1, 1, &ours, &theirs)
    };
    compare(vec![
        plain(row("one-pass-at-first", WELL), NEVER, NEVER).then(TO_MAIN),
        plain(row("never-well", Behaviour::Health(503)), 1, NEVER).then(TO_SPARE),
        plain(row("wrong-status-at-once", WELL), 1, NEVER)
            .then(TO_MAIN)
            .then(Step::Behave(MAIN, Behaviour::Health(503)))
            .then(TO_SPARE),
        plain(row("well-again", Behaviour::Health(503)), 2, NEVER)
            .then(TO_SPARE)
            .then(Step::Behave(MAIN, WELL))
            .then(TO_MAIN),
        plain(row("closes-checks", Behaviour::Close), 1, 1).then(TO_SPARE),
        plain(row("closes-checks-later", WELL), 1, 2)
            .then(TO_MAIN)
            .then(Step::Behave(MAIN, Behaviour::Close))
            .then(TO_SPARE),
        plain(row("refuses-checks", Behaviour::Full), 1, 1).then(TO_SPARE),
        plain(row("redirected-check", Behaviour::Health(302)), 1, 1).then(TO_SPARE),
        plain(lone("nobody-is-well", Behaviour::Health(503)), 1, 1).get(nobody),
        expecting(row("expected-status", Behaviour::Health(204))).then(TO_MAIN),
        expecting(lone("status-not-expected", WELL)).get(nobody),
        plain(lone("check-as-received", WELL), 1, 1).see(
            Step::Got(MAIN),
            differs(
                "GET /health HTTP/1.1\nhost: check-as-received\nuser-agent: Envoy/HC",
                "GET /health HTTP/1.1\nhost: 127.0.0.1:{port}\nuser-agent: backstay-health-check",
                NAMES,
            ),
        ),
        told(lone("check-with-host-and-header", WELL)).see(
            Step::Got(MAIN),
            differs(
                "HEAD /health HTTP/1.1\nhost: a.test\nuser-agent: Envoy/HC\nx-check: 1",
                "HEAD /health HTTP/1.1\nhost: a.test\nuser-agent: backstay-health-check\nx-check: 1",
                NAMES,
            ),
        ),
        plain(row("says-that-it-is-down", WELL), NEVER, NEVER)
            .then(TO_MAIN)
            .then(Step::Behave(MAIN, FAILS_ITSELF))
            .see(
                Step::Whole("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"),
                same(
                    "200 - via_upstream\ncontent-length: 9\ndate\nx-envoy-immediate-health-check-fail: true\n\n\
                     127.0.0.1",
                ),
            )
            .then(TO_SPARE),
        plain(row("up-again-after-it-said-so", WELL), 2, NEVER)
            .then(TO_MAIN)
            .then(Step::Behave(MAIN, FAILS_ITSELF))
            .then(TO_SPARE)
            .then(Step::Behave(MAIN, WELL))
            .then(TO_MAIN),
        plain(row("degraded", DEGRADED), 1, 1).then(TO_SPARE),
        http2(row("well-in-http-2", WELL), 1, 1).then(TO_MAIN),
        http2(row("unwell-in-http-2", Behaviour::Health(503)), 1, 1).then(TO_SPARE),
        http2(row("resets-checks-in-http-2", Behaviour::Reset(2)), 1, 1).then(TO_SPARE),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otherwise() {
    let with = |row: Row, ours: Value, theirs: Value| {
        let timing = json!({"interval": "50ms", "timeout": "1s", "thresholds": {"healthy": 1, "unhealthy": 1}});
        let their_timing = json!({
            "interval": "0.05s", "no_traffic_interval": "0.05s", "timeout": "1s", "healthy_threshold": 1,
            "unhealthy_threshold": 1,
        });
        let (mut check, mut their_check) = (ours, theirs);
        crate::row::merge(&mut check, &timing);
        crate::row::merge(&mut their_check, &their_timing);
        row.policy(json!({"healthChecks": [check], "loadBalancing": {"panicThreshold": 0}})).cluster(
            json!({"health_checks": [their_check], "common_lb_config": {"healthy_panic_threshold": {"value": 0}}}),
        )
    };
    let tcp = |row| with(row, json!({"tcp": {}}), json!({"tcp_health_check": {}}));
    let hello = |row| {
        with(
            row,
            json!({"tcp": {"send": {"text": "GET /health HTTP/1.1\r\n\r\n"}, "receive": [{"text": "200"}]}}),
            json!({"tcp_health_check": {
                "send": {"text": "474554202f6865616c746820485454502f312e310d0a0d0a"}, "receive": [{"text": "323030"}],
            }}),
        )
    };
    let grpc = |row: Row| {
        with(row.http2(), json!({"grpc": {"service": "a.B"}}), json!({"grpc_health_check": {"service_name": "a.B"}}))
    };
    const SERVING: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: \
                 chunked\r\n\r\n7\r\n\0\0\0\0\x02\x08\x01\r\n0\r\ngrpc-status: 0\r\n\r\n",
    );
    const NOT_SERVING: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: \
                 chunked\r\n\r\n7\r\n\0\0\0\0\x02\x08\x02\r\n0\r\ngrpc-status: 0\r\n\r\n",
    );
    const UNKNOWN: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\ngrpc-status: 12\r\n\r\n",
    );
    let answers = "200 \0\0\0\0\x02\x08\x01";
    compare(vec![
        tcp(row("connects", Behaviour::Health(503))).then(TO_MAIN),
        tcp(row("does-not-connect", Behaviour::Full)).then(TO_SPARE),
        hello(row("says-what-it-should", Behaviour::Health(200))).then(TO_MAIN),
        hello(row("says-something-else", Behaviour::Health(503))).then(TO_SPARE),
        grpc(lone("serving", SERVING)).then(Step::Until(HOST, answers)),
        grpc(lone("not-serving", NOT_SERVING)).get(same("503 UH no_healthy_upstream no healthy upstream")),
        grpc(lone("no-health-service", UNKNOWN)).get(same("503 UH no_healthy_upstream no healthy upstream")),
        grpc(lone("grpc-check-as-received", SERVING)).see(
            Step::Got(MAIN),
            differs(
                "POST /grpc.health.v1.Health/Check HTTP/2\n:authority: grpc-check-as-received\n\
                 content-type: application/grpc\ngrpc-timeout: 1000m\nte: \
                 trailers\nuser-agent: Envoy/HC\n(10) \0\0\0\0\x05\na.B",
                "POST /grpc.health.v1.Health/Check HTTP/2\n:authority: 127.0.0.1:{port}\n\
                 content-length: 10\ncontent-type: application/grpc\nte: \
                 trailers\nuser-agent: backstay-health-check\n(10) \0\0\0\0\x05\na.B",
                NAMES,
            ),
        ),
    ])
    .await;
}
