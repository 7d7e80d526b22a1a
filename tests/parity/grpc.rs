//! gRPC: statuses that upstreams answer with, and those that stand for the proxy's own answers.

use std::time::Duration;

use hickory_proto::rr::RecordType::A;
use serde_json::json;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Endpoint, Expected, Family, Row, Step, differs, same};
use crate::said::{status, status_of_failure, trailers_alone, whole_failure, why};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];
const MESSAGE: &str = "POST /a.B/C HTTP/1.1\r\nhost: {row}\r\ncontent-type: application/grpc\r\nte: trailers\r\n\
     content-length: 5\r\n{id}\r\n\0\0\0\0\0";
const CALL: Step = Step::Http2Head(MESSAGE);

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour).http2()
}

fn calling(row: Row, expected: Expected) -> Row {
    row.see(CALL, expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstream_statuses() {
    const AT_ONCE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\n\r\n";
    const LATE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 14\r\ngrpc-message: no\r\n\r\n";
    const UNAVAILABLE: &str = "HTTP/1.1 503 No\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno";
    let passed_on = same(
        "200 - via_upstream\ncontent-type: application/grpc\ndate\n\n\0\0\0\0\0\n+ grpc-status: 14\n+ grpc-message: no",
    );
    let says = |name, raw| row(name, Behaviour::Write(raw));
    let retried = |row: Row| {
        row.policy(json!({"retries": {"retryOn": ["unavailable"]}}))
            .action(json!({"retry_policy": {"retry_on": "unavailable"}}))
    };
    compare(vec![
        row("call-as-received", Behaviour::Bare).see(
            Step::Http2(MESSAGE),
            same(
                "200 - via_upstream POST /a.B/C HTTP/2\n:authority: {row}\ncontent-length: 5\n\
                 content-type: application/grpc\nte: trailers\n(5) \0\0\0\0\0",
            ),
        ),
        calling(says("status-in-trailers", LATE), passed_on),
        calling(says("status-in-the-head", AT_ONCE), status("- via_upstream", 14, "")),
        calling(retried(says("unavailable-in-the-head-is-retried", AT_ONCE)), status("URX via_upstream", 14, ""))
            .see(Step::Received, same("2")),
        calling(retried(says("unavailable-in-trailers-is-not", LATE)), passed_on).see(Step::Received, same("1")),
        calling(
            says("http-error-to-a-call", UNAVAILABLE),
            same("503 - via_upstream\ncontent-length: 2\ncontent-type: text/plain\ndate\n\nno"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_types() {
    let refused = status_of_failure("UF", "remote connection failure");
    let in_http = same(whole_failure("503 UF", "remote connection failure"));
    let of = |name, method: &str, content_type: &str, expected| {
        let request = format!("{method} / HTTP/1.1\r\nhost: {{row}}\r\ncontent-type: {content_type}\r\n{{id}}\r\n");
        Row::fixed(name, HERE).http2().see(Step::Http2Head(request.leak()), expected)
    };
    compare(vec![
        of("call", "POST", "application/grpc", refused),
        of("call-with-proto", "POST", "application/grpc+proto", refused),
        of("call-with-parameter", "POST", "application/grpc;a=b", in_http),
        of("call-in-upper-case", "POST", "Application/Grpc", in_http),
        of("call-from-the-web", "POST", "application/grpc-web", in_http),
        of("get-of-a-call", "GET", "application/grpc", refused),
        of(
            "head-of-a-call",
            "HEAD",
            "application/grpc",
            status("UF upstream_reset_before_response_started{remote_connection_failure}", 14, ""),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_the_proxy() {
    const BROKEN: Behaviour = Behaviour::Frames(b"\0\0\x02\x01\x05\0\0\0\x01\xff\xff");
    const IN_HTTP_1: &str =
        "POST /a.B/C HTTP/1.1\r\nhost: {row}\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n{id}\r\n";
    let v4 = Cache { family: Some(Family::V4Only), timeout: Some(Duration::from_secs(1)), ..Cache::default() };
    let one = Cache { max_hosts: Some(1), ..v4.clone() };
    let head = format!(
        "200\ncontent-length: 0\ncontent-type: application/grpc\ndate\ngrpc-message: {}\ngrpc-status: 14",
        why("remote connection failure"),
    );
    let overflow = format!(
        "200 UO upstream_reset_before_response_started{{overflow}}\ncontent-type: application/grpc\ndate\n\
         grpc-message: {}\ngrpc-status: 14\nx-envoy-overloaded: true",
        why("overflow"),
    );
    compare(vec![
        Row::fixed("call-refused-in-http-1", HERE).http2().see(
            Step::Head(IN_HTTP_1),
            differs(
                format!("{head}\nserver: envoy").leak(),
                head.clone().leak(),
                "Backstay says nothing of itself, and leaves what upstreams say of themselves",
            ),
        ),
        calling(row("call-closed", Behaviour::Close), status_of_failure("UC", "connection termination")),
        calling(row("call-reset", Behaviour::Reset(2)), status_of_failure("UR", "remote reset")),
        calling(
            row("call-not-answered", Behaviour::Mute).route_timeout(Duration::from_millis(300)),
            status("UT response_timeout", 14, "upstream request timeout"),
        ),
        calling(
            row("call-not-answered-in-a-try", Behaviour::Mute)
                .policy(json!({"retries": {"retryOn": ["5xx"], "perTryTimeout": "0.3s"}}))
                .action(json!({"retry_policy": {"retry_on": "5xx", "per_try_timeout": "0.3s"}})),
            status("URX,UT upstream_per_try_timeout", 14, "upstream request timeout"),
        ),
        calling(
            Row::fixed("call-without-a-route", HERE).http2().only_host("here.test"),
            status("NR route_not_found", 12, ""),
        ),
        calling(
            Row::of("call-without-an-endpoint", vec![Endpoint::new("{row}")]).http2(),
            status("UH no_healthy_upstream", 14, "no healthy upstream"),
        ),
        calling(
            row("call-over-the-limit", Behaviour::Mute)
                .policy(json!({"limits": {"pendingRequests": 0}}))
                .cluster(json!({"circuit_breakers": {"thresholds": [{"max_pending_requests": 0}]}})),
            trailers_alone(&overflow),
        ),
        calling(
            Row::dynamic("call-to-no-such-name", v4.clone()),
            status("DF dns_resolution_failure{nxdomain}", 14, "DNS resolution failure"),
        ),
        calling(
            Row::dynamic("call-to-a-full-cache", one)
                .record("a", A, Reply::Addresses(60, HERE))
                .see(Step::Get("a.{row}:{port}"), same("200 - via_upstream 127.0.0.1:1")),
            status("- dns_cache_overflow", 14, "DNS cache overflow"),
        ),
        calling(
            Row::dynamic("call-to-a-mute-server", v4).record("", A, Reply::Mute),
            status("DF dns_resolution_failure{resolve_timeout}", 14, "DNS resolution failure"),
        ),
        calling(row("call-with-a-broken-answer", BROKEN), status_of_failure("UPE", "protocol error")),
    ])
    .await;
}
