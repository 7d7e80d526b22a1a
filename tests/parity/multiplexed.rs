//! Upstreams that speak HTTP/2: exchanges, streams that are reset, connections that end.

use std::time::Duration;

use serde_json::json;

use crate::compare::compare;
use crate::row::{HOST, REFUSED, Row, Step, differs, same};
use crate::said::{failure, failure_again};
use crate::upstream::Behaviour;

const HERE: &[&str] = &["127.0.0.1"];

fn row(name: &'static str, behaviour: Behaviour) -> Row {
    Row::fixed(name, HERE).upstream("127.0.0.1", behaviour).http2()
}

/// Why a request is sent again that Envoy gives up.
const UNSEEN: &str = "the upstream promises not to have looked at the request, which can safely go to it again";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests() {
    const GET: &str = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
    const COOKIES: &str = "GET / HTTP/1.1\r\nhost: {row}\r\ncookie: a=1\r\ncookie: b=2\r\n{id}\r\n";
    const CHUNKS: &str = "POST / HTTP/1.1\r\nhost: {row}\r\ntransfer-encoding: chunked\r\n{id}\r\n\
         2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n";
    const HOP: &str = "GET / HTTP/1.1\r\nhost: {row}\r\nconnection: keep-alive, x-hop\r\nkeep-alive: timeout=5\r\n\
         x-hop: 1\r\nproxy-connection: keep-alive\r\nupgrade-insecure-requests: 1\r\n{id}\r\n";
    let secure = |name| row(name, Behaviour::Name).certificate(&["127.0.0.1"]);
    let of = |name, step, seen| row(name, Behaviour::Bare).see(step, same(seen));
    compare(vec![
        row("prior-knowledge", Behaviour::Name).get(same("200 - via_upstream 127.0.0.1:1")),
        secure("selected-by-alpn").get(same("200 - via_upstream 127.0.0.1:1 sni none alpn h2")),
        secure("http-1-selected-by-alpn").alpn(&["http/1.1"]).get(same(REFUSED)),
        secure("nothing-selected-by-alpn").alpn(&[]).get(differs(
            "200 - via_upstream 127.0.0.1:1 sni none",
            REFUSED,
            "RFC 9113, 3.2: over TLS it is ALPN that says that HTTP/2 is spoken",
        )),
        of("no-te", Step::Raw(GET), "200 - via_upstream GET / HTTP/2\n:authority: {row}"),
        of(
            "head-in-lower-case",
            Step::Raw("GET /Path?Q=1 HTTP/1.1\r\nHOST: {row}\r\nX-Mixed-CASE: Yes\r\nAccept: */*\r\n{id}\r\n"),
            "200 - via_upstream GET /Path?Q=1 HTTP/2\n:authority: {row}\naccept: */*\nx-mixed-case: Yes",
        ),
        of(
            "te-to-http-2",
            Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nconnection: te\r\nte: trailers, deflate\r\n{id}\r\n"),
            "200 - via_upstream GET / HTTP/2\n:authority: {row}\nte: trailers",
        ),
        of(
            "te-from-http-2",
            Step::Http2("GET / HTTP/1.1\r\nhost: {row}\r\nte: trailers\r\n{id}\r\n"),
            "200 - via_upstream GET / HTTP/2\n:authority: {row}\nte: trailers",
        ),
        of(
            "hop-headers-to-http-2",
            Step::Raw(HOP),
            "200 - via_upstream GET / HTTP/2\n:authority: {row}\nupgrade-insecure-requests: 1",
        ),
        of(
            "length-to-http-2",
            Step::Raw("POST / HTTP/1.1\r\nhost: {row}\r\ncontent-length: 2\r\n{id}\r\nab"),
            "200 - via_upstream POST / HTTP/2\n:authority: {row}\ncontent-length: 2\n(2) ab",
        ),
        row("chunks-to-http-2", Behaviour::Bare).see(
            Step::Raw(CHUNKS),
            differs(
                "200 - via_upstream POST / HTTP/2\n:authority: {row}\n(2) ab",
                "200 - via_upstream POST / HTTP/2\n:authority: {row}\n(2) ab\n+ x-sum: 7",
                "trailers go wherever they can go; Envoy takes them from HTTP/1.1 by a setting",
            ),
        ),
        of(
            "trailers-both-ways",
            Step::Http2(CHUNKS),
            "200 - via_upstream POST / HTTP/2\n:authority: {row}\n(2) ab\n+ x-sum: 7",
        ),
        of(
            "split-cookie",
            Step::Http2(COOKIES),
            "200 - via_upstream GET / HTTP/2\n:authority: {row}\ncookie: a=1; b=2",
        ),
        Row::fixed("split-cookie-to-http-1", HERE)
            .upstream("127.0.0.1", Behaviour::Bare)
            .see(Step::Http2(COOKIES), same("200 - via_upstream GET / HTTP/1.1\ncookie: a=1; b=2\nhost: {row}")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers() {
    const GET: &str = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
    const TRAILERS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n";
    const COOKIES: &str =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: mine\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nok";
    const HINTS: &str = "HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let says = |name, raw| row(name, Behaviour::Write(raw));
    compare(vec![
        says("trailers-of-an-answer", TRAILERS).see(Step::Http2(GET), same("200 - via_upstream ok\n+ x-sum: 7")),
        says("trailers-to-http-1", TRAILERS)
            .see(Step::Raw("GET / HTTP/1.1\r\nhost: {row}\r\nte: trailers\r\n{id}\r\n"), same("200 - via_upstream ok")),
        says("head-of-an-answer", COOKIES).see(
            Step::Http2Head(GET),
            differs(
                "200 - via_upstream\ncontent-length: 2\ndate\nset-cookie: a=1\nset-cookie: b=2\n\nok",
                "200 - via_upstream\ncontent-length: 2\ndate\nserver: mine\nset-cookie: a=1\nset-cookie: b=2\n\nok",
                "Backstay says nothing of itself, and leaves what upstreams say of themselves",
            ),
        ),
        says("early-hints", HINTS).get(same("200 - via_upstream ok")),
        says("no-body", "HTTP/1.1 204 No\r\n\r\n").get(same("204 - via_upstream")),
        says("no-change", "HTTP/1.1 304 Same\r\ncontent-length: 5\r\n\r\n").get(same("304 - via_upstream")),
        says("too-short-for-its-length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort").get(same(
            "200 UPE upstream_reset_after_response_started{protocol_error} [the connection ended within the body]",
        )),
        row("too-long-for-its-length", Behaviour::Frames(TOO_LONG)).get(same(
            "200 UPE upstream_reset_after_response_started{protocol_error} [the connection ended within the body]",
        )),
    ])
    .await;
}

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams() {
    let slow = Behaviour::Answer(200, Duration::from_millis(300));
    let limited = |row: Row, streams: u32| {
        let options = json!({"explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": streams}}});
        row.policy(json!({"connections": {"maxConcurrentStreams": streams}}))
            .cluster(json!({"typed_extension_protocol_options": {OPTIONS: options}}))
    };
    let two = "2 x 200 - via_upstream 127.0.0.1";
    compare(vec![
        row("streams-share-a-connection", slow)
            .see(Step::Burst(2, HOST), same(two))
            .see(Step::Burst(2, HOST), same(two))
            .see(Step::Connected, same("127.0.0.1")),
        row("one-stream-at-a-time", slow)
            .streams(1)
            .get(same("200 - via_upstream 127.0.0.1"))
            .see(Step::Burst(2, HOST), same(two))
            .see(Step::Connected, same("127.0.0.1 127.0.0.1")),
        limited(row("one-stream-by-setting", slow), 1)
            .get(same("200 - via_upstream 127.0.0.1"))
            .see(Step::Burst(3, HOST), same("3 x 200 - via_upstream 127.0.0.1"))
            .see(Step::Connected, same("127.0.0.1 127.0.0.1 127.0.0.1")),
        row("one-stream-one-connection", slow)
            .streams(1)
            .policy(json!({"limits": {"connections": 1}}))
            .cluster(json!({"circuit_breakers": {"thresholds": [{"max_connections": 1}]}}))
            .get(same("200 - via_upstream 127.0.0.1"))
            .see(Step::Burst(3, HOST), same("3 x 200 - via_upstream 127.0.0.1"))
            .see(Step::Connected, same("127.0.0.1")),
        row("two-requests-on-a-connection", Behaviour::Name)
            .policy(json!({"connections": {"maxRequests": 2}}))
            .cluster(json!({"typed_extension_protocol_options": {OPTIONS: {
                "common_http_protocol_options": {"max_requests_per_connection": 2},
            }}}))
            .see(Step::Count(4, HOST), same("2 x 200 127.0.0.1:1, 2 x 200 127.0.0.1:2")),
    ])
    .await;
}

/// Retries on these conditions.
fn retries(row: Row, on: &str) -> Row {
    row.policy(json!({"retries": {"retryOn": [on]}})).action(json!({"retry_policy": {"retry_on": on}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets() {
    // All codes of RFC 9113, from 0 on.
    const CODES: [&str; 14] = [
        "no-error",
        "protocol-error",
        "internal-error",
        "flow-control-error",
        "settings-timeout",
        "stream-closed",
        "frame-size-error",
        "refused-stream",
        "cancel",
        "compression-error",
        "connect-error",
        "enhance-your-calm",
        "inadequate-security",
        "http-1-1-required",
    ];
    let answer = |name| match name {
        "protocol-error" => failure("502 UPE", "protocol error"),
        "refused-stream" => failure("503 UR", "remote refused stream reset"),
        "connect-error" => failure("503 UR", "remote error with CONNECT request"),
        _ => failure("503 UR", "remote reset"),
    };
    let codes = (0..).zip(CODES);
    let received = |name| if name == "refused-stream" { differs("1", "2", UNSEEN) } else { same("1") };
    let rows = codes.map(|(code, name)| {
        row(name, Behaviour::Reset(code)).get(same(answer(name))).see(Step::Received, received(name))
    });
    compare(rows.collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_are_retried() {
    const REFUSED_ONCE: Behaviour = Behaviour::InTurn(&[Behaviour::Reset(7), Behaviour::Name]);
    const RESET_ONCE: Behaviour = Behaviour::InTurn(&[Behaviour::Reset(2), Behaviour::Name]);
    const CLOSED_ONCE: Behaviour = Behaviour::InTurn(&[Behaviour::Close, Behaviour::Name]);
    const GONE_ONCE: Behaviour = Behaviour::InTurn(&[Behaviour::Frames(GO_AWAY), Behaviour::Name]);
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let anew = same("200 - via_upstream 127.0.0.1:2");
    let not = |row: Row, reason| row.get(same(failure("503 UR", reason))).see(Step::Received, same("1"));
    compare(vec![
        retries(row("refused-is-retried", REFUSED_ONCE), "refused-stream").get(ok),
        retries(row("refused-post-is-retried", REFUSED_ONCE), "refused-stream").see(Step::Post(1000, HOST), ok),
        retries(row("refused-twice", Behaviour::Reset(7)), "refused-stream")
            .get(same(failure_again("503 URX,UR", "remote refused stream reset")))
            .see(Step::Received, same("2")),
        retries(row("refused-is-a-reset", REFUSED_ONCE), "reset").get(ok),
        retries(row("refused-is-no-connect-failure", REFUSED_ONCE), "connect-failure")
            .get(differs(failure("503 UR", "remote refused stream reset"), "200 - via_upstream 127.0.0.1:1", UNSEEN))
            .see(Step::Received, differs("1", "2", UNSEEN)),
        retries(row("reset-is-retried", RESET_ONCE), "reset").get(ok),
        not(retries(row("reset-is-not-refused", RESET_ONCE), "refused-stream"), "remote reset"),
        not(retries(row("reset-is-not-before-the-request", RESET_ONCE), "reset-before-request"), "remote reset"),
        retries(row("hangs-up-and-is-retried", CLOSED_ONCE), "reset").get(anew),
        retries(row("goes-away-and-is-retried", GONE_ONCE), "refused-stream").get(anew),
        row("goes-away-once", GONE_ONCE)
            .get(differs(failure("503 UR", "remote refused stream reset"), "200 - via_upstream 127.0.0.1:2", UNSEEN))
            .see(Step::Received, differs("1", "2", UNSEEN)),
    ])
    .await;
}

/// GOAWAY, by which no stream has been looked at.
const GO_AWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The same but for the first stream, and an answer to that.
const GO_AWAY_AND_ANSWER: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88";
/// A frame of a type that nobody knows, and an answer.
const UNKNOWN_FRAME: &[u8] = b"\0\0\x02\xfe\0\0\0\0\0ab\0\0\x01\x01\x05\0\0\0\x01\x88";
/// DATA on a stream that nobody has opened.
const UNKNOWN_STREAM: &[u8] = b"\0\0\x01\0\0\0\0\0\x05a";
/// A head that cannot be decoded.
const BAD_HEAD: &[u8] = b"\0\0\x02\x01\x05\0\0\0\x01\xff\xff";
/// A head with one header, and no status.
const NO_STATUS: &[u8] = b"\0\0\x05\x01\x05\0\0\0\x01\0\x01a\x01b";
/// A head with a header `A`.
const UPPER_CASE: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x88\0\x01A\x01b";
/// A head with a length of 1, and two bytes.
const TOO_LONG: &[u8] = b"\0\0\x05\x01\x04\0\0\0\x01\x88\x0f\x0d\x011\0\0\x02\0\x01\0\0\0\x01ab";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_end() {
    let frames = |name, frames| row(name, Behaviour::Frames(frames));
    // A head, a part of a body, and a reset with a code.
    let late = |name, code: u8| {
        const PART: &[u8] = b"\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x04\0\0\0\0\0\x01part\0\0\x04\x03\0\0\0\0\x01\0\0\0";
        frames(name, [PART, &[code]].concat().leak())
    };
    let after = "200 UR upstream_reset_after_response_started{remote_reset} part";
    let cut: &str = format!("{after} [the connection ended within a line]").leak();
    let reset: &str = format!("{after} [stream error received: unexpected internal error encountered]").leak();
    let protocol = failure("502 UPE", "protocol error");
    let closed = failure("503 UC", "connection termination");
    let anew = same("200 - via_upstream 127.0.0.1:2");
    compare(vec![
        row("goes-away-in-order", Behaviour::InTurn(&[Behaviour::GoAway, Behaviour::Name]))
            .get(same("200 - via_upstream 127.0.0.1:1"))
            .get(anew)
            .get(anew),
        frames("goes-away-without-looking", GO_AWAY).get(same(failure("503 UR", "remote refused stream reset"))),
        frames("goes-away-and-answers", GO_AWAY_AND_ANSWER)
            .get(same("200 - via_upstream"))
            .get(same("200 - via_upstream"))
            .see(Step::Connected, same("127.0.0.1 127.0.0.1")),
        row("hangs-up", Behaviour::Close).get(same(closed)),
        row("hangs-up-on-a-post", Behaviour::Close).see(Step::Post(1000, HOST), same(closed)),
        row("hangs-up-while-idle", Behaviour::Name)
            .get(same("200 - via_upstream 127.0.0.1:1"))
            .then(Step::HangUp)
            .then(Step::Counted("upstream_cx_active", 0))
            .get(anew),
        row("never-answers-in-http-2", Behaviour::Mute)
            .route_timeout(Duration::from_millis(300))
            .get(same("504 UT response_timeout upstream request timeout")),
        late("late-reset", 2).get(same(cut)),
        late("late-cancel", 8).get(same(cut)),
        late("late-reset-without-error", 0).get(same(cut)),
        late("late-reset-in-http-2", 2).see(Step::Http2("GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n"), same(reset)),
        frames("unknown-frame", UNKNOWN_FRAME).get(same("200 - via_upstream")),
        frames("unknown-stream", UNKNOWN_STREAM).get(same(protocol)),
        frames("undecodable-head", BAD_HEAD).get(same(protocol)),
        frames("head-without-status", NO_STATUS).get(same(protocol)),
        frames("name-in-upper-case", UPPER_CASE).get(same(protocol)),
        row("http-1-where-http-2-is-expected", Behaviour::Write("HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n"))
            .http1_upstreams()
            .get(same(protocol)),
        Row::fixed("http-2-where-http-1-is-expected", HERE)
            .upstream("127.0.0.1", Behaviour::Write("\0\0\0\x04\0\0\0\0\0"))
            .get(same(protocol)),
        Row::fixed("refuses-http-2-connections", HERE).http2().get(same(REFUSED)),
    ])
    .await;
}
