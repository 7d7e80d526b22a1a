//! Answers of the proxy's own: everything that a client sees of them, and what the access log says.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;
use serde_json::json;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Endpoint, Expected, Family, HOST, Row, Step, differs, same};
use crate::said::{text, whole_failure, why_again};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const FLAGGED: &str = "a request that is no valid HTTP is flagged as what it is";
const ANEW: &str = "Envoy asks anew after failures of the server only; that \
                 a name has no address is remembered even then";
const GET: &str = "GET / HTTP/1.1\r\nhost: {row}:{port}\r\n{id}\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nhost: {row}:{port}\r\n{id}\r\n";
const CLOSING: &str = "GET / HTTP/1.1\r\nhost: {row}:{port}\r\nconnection: close\r\n{id}\r\n";

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour)
}

fn whole(row: Row, expected: Expected) -> Row {
    row.see(Step::Whole(GET), expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fixed_backends() {
    let short = Duration::from_millis(300);
    let retrying = |row: Row| {
        row.policy(json!({"retries": {"retryOn": ["5xx"]}})).action(json!({"retry_policy": {"retry_on": "5xx"}}))
    };
    compare(vec![
        whole(Row::fixed("reply-refused", HERE), same(whole_failure("503 UF", "remote connection failure"))),
        whole(
            row("reply-black-holed", Behaviour::Full)
                .policy(json!({"timeouts": {"connect": "0.3s"}}))
                .cluster(json!({"connect_timeout": "0.3s"})),
            same(whole_failure("503 UF", "connection timeout")),
        ),
        whole(row("reply-closed", Behaviour::Close), same(whole_failure("503 UC", "connection termination"))),
        whole(row("reply-reset", Behaviour::Abort), same(whole_failure("503 UC", "connection termination"))),
        whole(
            row("reply-not-in-time", Behaviour::Mute).route_timeout(short),
            same(text("504 UT response_timeout", "upstream request timeout")),
        ),
        whole(
            row("reply-not-in-its-time", Behaviour::Mute)
                .policy(json!({"retries": {"retryOn": ["reset"], "attempts": 1, "perTryTimeout": "0.3s"}}))
                .action(json!({"retry_policy": {"retry_on": "reset", "per_try_timeout": "0.3s"}})),
            same(text("504 URX,UT upstream_per_try_timeout", "upstream request timeout")),
        ),
        whole(
            row("reply-without-a-sign", Behaviour::Mute)
                .policy(json!({"retries": {"retryOn": ["connect-failure"], "perTryIdleTimeout": "0.3s"}}))
                .action(json!({"retry_policy": {"retry_on": "connect-failure", "per_try_idle_timeout": "0.3s"}})),
            same(text("504 UT upstream_per_try_idle_timeout", "upstream request timeout")),
        ),
        whole(
            row("reply-no-http", Behaviour::Write("what is this\r\n\r\n")),
            same(whole_failure("502 UPE", "protocol error")),
        ),
        whole(
            Row::of("reply-nobody", vec![Endpoint::new("{row}")]),
            same(text("503 UH no_healthy_upstream", "no healthy upstream")),
        ),
        whole(
            row("reply-overflow", Behaviour::ADDRESS)
                .policy(json!({"limits": {"pendingRequests": 0}}))
                .cluster(json!({"circuit_breakers": {"thresholds": [{"max_pending_requests": 0}]}})),
            same(
                "503 UO upstream_reset_before_response_started{overflow}\n\
                 content-length: 81\ncontent-type: text/plain\ndate\nx-envoy-overloaded: \
                 true\n\nupstream connect error or disconnect/reset before headers. reset reason: overflow",
            ),
        ),
        whole(
            row("reply-no-route", Behaviour::ADDRESS).only_host("here.test"),
            same("404 NR route_not_found\ncontent-length: 0\ndate"),
        ),
        whole(
            retrying(row("reply-retried", Behaviour::Close)),
            same(text(
                "503 URX,UC upstream_reset_before_response_started{connection_termination}",
                &why_again("connection termination"),
            )),
        ),
        whole(
            retrying(row("reply-passed-on", Behaviour::Answer(503, Duration::ZERO))),
            same("503 URX via_upstream\ncontent-length: 9\ndate\n\n127.0.0.1"),
        ),
        row("reply-to-head", Behaviour::Close).see(
            Step::Whole(HEAD),
            same(
                "503 UC upstream_reset_before_response_started{connection_termination}\n\
                 content-length: 95\ncontent-type: text/plain\ndate",
            ),
        ),
        row("reply-to-head-without-a-route", Behaviour::Close).only_host("here.test").see(
            Step::Whole(HEAD),
            differs(
                "404 NR route_not_found\ndate\ntransfer-encoding: chunked",
                "404 NR route_not_found\ndate",
                "there is no body, and nothing to say of its coding",
            ),
        ),
        row("reply-and-close", Behaviour::Close).see(
            Step::Whole(CLOSING),
            same(
                "503 UC upstream_reset_before_response_started{connection_termination}\n\
                 connection: close\ncontent-length: 95\ncontent-type: text/plain\n\
                 date\n\nupstream connect error or disconnect/reset before \
                 headers. reset reason: connection termination",
            ),
        ),
        row("answer-and-close", Behaviour::ADDRESS).see(
            Step::Whole(CLOSING),
            same("200 - via_upstream\nconnection: close\ncontent-length: 9\ndate\n\n127.0.0.1"),
        ),
        row("reply-to-a-post", Behaviour::Close).see(
            Step::Whole("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2\r\n{id}\r\nab"),
            same(whole_failure("503 UC", "connection termination")),
        ),
        row("reply-in-http-2", Behaviour::Close)
            .see(Step::Http2Head(GET), same(whole_failure("503 UC", "connection termination"))),
        row("timeout-within-the-body", Behaviour::Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort")).see(
            Step::Whole(GET),
            differs(
                "200 UPE upstream_reset_after_response_started{protocol_error}\n\
                 content-length: 9\ndate\n\nshort [the connection ended within the body]",
                "200 UC upstream_reset_after_response_started{connection_termination}\n\
                 content-length: 9\ndate\n\nshort [the connection ended within the body]",
                "what came was valid, and the connection ended",
            ),
        ),
        row("client-leaves", Behaviour::Mute).see(Step::Leave(GET), same("DC downstream_remote_disconnect")),
        row(
            "overloaded-elsewhere",
            Behaviour::Write(
                "HTTP/1.1 503 No\r\ncontent-length: 2\r\nx-envoy-overloaded: \
                 true\r\nx-envoy-upstream-service-time: 77777\r\nx-envoy-ratelimited: \
                 true\r\nvia: 1.1 inner\r\nx-powered-by: a\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nno",
            ),
        )
        .see(
            Step::Whole(GET),
            same(
                "503 - via_upstream\ncontent-length: 2\ndate: Thu, 01 Jan \
                 1970 00:00:00 GMT\nvia: 1.1 inner\nx-envoy-overloaded: true\n\
                 x-envoy-ratelimited: true\nx-powered-by: a\n\nno",
            ),
        ),
        row(
            "hop-headers-of-an-answer",
            Behaviour::Write(
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nproxy-connection: \
                 keep-alive\r\nte: a\r\ntrailer: x\r\nupgrade: h2c\r\nalt-svc: h3=\":443\"\r\n\r\nok",
            ),
        )
        .see(
            Step::Whole(GET),
            differs(
                "200 - via_upstream\nalt-svc: h3=\":443\"\ncontent-length: 2\ndate\nte: a\ntrailer: x\n\nok",
                "200 - via_upstream\nalt-svc: h3=\":443\"\ncontent-length: 2\ndate\ntrailer: x\n\nok",
                "TE is of requests, and of one connection",
            ),
        ),
        row(
            "codings-of-an-answer",
            Behaviour::Write("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        )
        .see(Step::Whole(GET), same(whole_failure("502 UPE", "protocol error"))),
        row("length-of-no-content", Behaviour::Write("HTTP/1.1 204 No\r\ncontent-length: 0\r\n\r\n"))
            .see(Step::Whole(GET), same("204 - via_upstream\ndate")),
        row("length-of-a-head", Behaviour::Write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"))
            .see(Step::Whole(HEAD), same("200 - via_upstream\ncontent-length: 5\ndate")),
        row("status-of-ones-own", Behaviour::Write("HTTP/1.1 299 Fine\r\ncontent-length: 0\r\n\r\n"))
            .see(Step::Whole(GET), same("299 - via_upstream\ncontent-length: 0\ndate")),
        row("status-beyond", Behaviour::Write("HTTP/1.1 600 Fine\r\ncontent-length: 0\r\n\r\n"))
            .see(Step::Whole(GET), same("600 - via_upstream\ncontent-length: 0\ndate")),
        row("reset-content", Behaviour::Write("HTTP/1.1 205 Reset\r\ncontent-length: 0\r\n\r\n"))
            .see(Step::Whole(GET), same("205 - via_upstream\ncontent-length: 0\ndate")),
        row(
            "changes-protocols-unasked",
            Behaviour::Write("HTTP/1.1 101 Change\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n"),
        )
        .see(
            Step::Whole(GET),
            differs(
                "101 - via_upstream\ndate",
                whole_failure("502 UPE", "protocol error"),
                "RFC 9110, 15.2.2: only a client that asks for it can change protocols",
            ),
        ),
        row("answers-before-the-body", Behaviour::Write("HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno")).see(
            Step::Whole("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 3\r\n{id}\r\nabc"),
            same("413 - via_upstream\ncontent-length: 2\ndate\n\nno"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_dynamic_backends() {
    let second = Duration::from_secs(1);
    let v4 = Cache { family: Some(Family::V4Only), timeout: Some(second / 2), ..Cache::default() };
    let one = Cache { max_hosts: Some(1), ..v4.clone() };
    let row = |name, reply| Row::dynamic(name, v4.clone()).record("", A, reply);
    let none = json!({"dynamicProxy": {"dns": {"maxFailedHosts": 0}}});
    let disabled = json!({"disable_dns_refresh_on_failure": true});
    compare(vec![
        whole(
            Row::dynamic("reply-no-such-name", v4.clone()),
            same(text("503 DF dns_resolution_failure{nxdomain}", "DNS resolution failure")),
        ),
        whole(
            row("reply-no-data", Reply::NoData),
            same(text("503 DF dns_resolution_failure{nodata}", "DNS resolution failure")),
        ),
        whole(
            row("reply-server-failure", Reply::Code(ResponseCode::ServFail)),
            same(text("503 DF dns_resolution_failure{servfail}", "DNS resolution failure")),
        ),
        whole(
            row("reply-no-answer", Reply::Mute),
            same(text("503 DF dns_resolution_failure{resolve_timeout}", "DNS resolution failure")),
        ),
        whole(
            Row::dynamic("reply-full", one)
                .record("a", A, Reply::Addresses(60, HERE))
                .see(Step::Get("a.{row}:{port}"), same("200 - via_upstream 127.0.0.1:1")),
            same(text("503 - dns_cache_overflow", "DNS cache overflow")),
        ),
        Row::dynamic("reply-empty-host", v4.clone()).see(
            Step::Whole("GET / HTTP/1.1\r\nhost:\r\n{id}\r\n"),
            differs(
                "400 - empty_host_header\nconnection: close\ncontent-length: \
                 17\ncontent-type: text/plain\ndate\n\nEmpty host header",
                "400 DPE empty_host_header\nconnection: close\ncontent-length: \
                 17\ncontent-type: text/plain\ndate\n\nEmpty host header",
                FLAGGED,
            ),
        ),
        Row::dynamic("reply-missing-host", v4.clone()).see(
            Step::Whole("GET / HTTP/1.1\r\n{id}\r\n"),
            differs(
                "400 - missing_host_header\nconnection: close\ncontent-length: 0\ndate",
                "400 DPE missing_host_header\nconnection: close\ncontent-length: 0\ndate",
                FLAGGED,
            ),
        ),
        whole(
            row("reply-dynamic-refused", Reply::Addresses(60, &["127.0.0.9"])),
            same(whole_failure("503 UF", "remote connection failure")),
        ),
        row("reply-nobody-may-wait", Reply::Mute)
            .policy(json!({"dynamicProxy": {"dns": {"maxPendingRequests": 1}}}))
            .cache(json!({"dns_cache_circuit_breaker": {"max_pending_requests": 1}}))
            .then(Step::Begin(HOST))
            .then(Step::Await(A, 1))
            .see(
                Step::Whole("GET / HTTP/1.1\r\nhost: a.{row}:{port}\r\n{id}\r\n"),
                same(text(
                    "503 - dynamic_forward_proxy_pending_request_overflow",
                    "Dynamic forward proxy pending request overflow",
                )),
            )
            .see(Step::End, same("503 DF dns_resolution_failure{resolve_timeout} DNS resolution failure")),
        row("asked-anew-after-a-failure", Reply::Code(ResponseCode::ServFail))
            .policy(none.clone())
            .cache(disabled.clone())
            .see(Step::Whole(GET), same(text("503 DF dns_resolution_failure{servfail}", "DNS resolution failure")))
            .then(Step::Forget)
            .then(Step::Change("", A, Reply::Addresses(60, HERE)))
            .see(Step::Get(HOST), same("200 - via_upstream 127.0.0.1:1"))
            .see(Step::Asked, same("A")),
        row("asked-anew-after-no-answer", Reply::NoData)
            .policy(none)
            .cache(disabled)
            .see(Step::Get(HOST), same("503 DF dns_resolution_failure{nodata} DNS resolution failure"))
            .see(Step::Asked, same("A"))
            .then(Step::Change("", A, Reply::Addresses(60, HERE)))
            .see(
                Step::Get(HOST),
                differs(
                    "503 DF dns_resolution_failure{nodata} DNS resolution failure",
                    "200 - via_upstream 127.0.0.1:1",
                    ANEW,
                ),
            )
            .see(Step::Asked, differs("", "A", ANEW)),
    ])
    .await;
}
