//! Requests that two readers could read in two ways, and heads that are none.

use std::num::NonZeroU32;

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{BackendOf, Proxy, Routes, Upstream, ask, echo, raw, soon, to};

async fn proxy() -> (Proxy, Upstream) {
    let upstream = Upstream::http1(echo).await;
    (Proxy::start(Routes::to(upstream.address)).await, upstream)
}

fn statuses(answer: &str) -> Vec<&str> {
    let lines = answer.split("HTTP/1.").skip(1).filter_map(|part| part.get(2..5));
    lines.filter(|status| status.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

#[tokio::test]
async fn ambiguous_framing_is_refused_and_ends_the_connection() {
    let (proxy, upstream) = proxy().await;
    let follow = "GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n";
    for (head, status) in [
        ("Content-Length: 3\r\nContent-Length: 5", "400"),
        ("Content-Length: 3, 5", "400"),
        ("Content-Length: 3\r\nContent-Length: 3", "400"),
        ("Content-Length: 3, 3", "400"),
        ("Content-Length:", "400"),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", "400"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", "400"),
        ("Transfer-Encoding: gzip\r\nContent-Length: 3", "400"),
        ("Content-Length: +3", "400"),
        ("Content-Length: -3", "400"),
        ("Content-Length: 0x3", "400"),
        ("Content-Length: 99999999999999999999", "400"),
        ("Transfer-Encoding: gzip", "400"),
        ("Transfer-Encoding: chunked, gzip", "400"),
        ("Transfer-Encoding: gzip, chunked", "501"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "501"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "501"),
        ("Transfer-Encoding: chunked, chunked", "501"),
        ("Transfer-Encoding: xchunked", "400"),
        ("Transfer-Encoding : chunked", "400"),
        ("Content-Length : 3", "400"),
        ("X-A: b\r\n folded", "400"),
        ("X-A: b\r\n\tfolded", "400"),
        ("X-A: a\rb", "400"),
        ("X-A: a\nX-B: b", "400"),
        ("X-A: a\n", "400"),
        ("Content-Length: 3\nX-A: a", "400"),
        ("X-A: a\0b", "400"),
        ("X A: b", "400"),
        (": b", "400"),
    ] {
        let answer = raw(proxy.address, format!("POST / HTTP/1.1\r\nHost: test\r\n{head}\r\n\r\n{follow}")).await;
        assert_eq!(statuses(&answer), [status], "{head:?} {answer}");
        assert!(!answer.contains("hidden"), "{head:?} {answer}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn heads_that_are_none_are_refused() {
    let (proxy, upstream) = proxy().await;
    for head in [
        "\x16\x03\x01\x02\x00\x01",
        "GET / HTTP/1.1 extra\r\nHost: test\r\n\r\n",
        "GET /\r\nHost: test\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/3.7\r\nHost: test\r\n\r\n",
        "GE(T / HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\nHost: test\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.1\nHost: test\n\n",
        "GET / HTTP/1.1\r\nHost: test\r\n\n",
    ] {
        let answer = raw(proxy.address, head).await;
        assert_eq!(statuses(&answer), ["400"], "{head:?} {answer}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn broken_chunks_end_the_request_and_the_connection() {
    let (proxy, _upstream) = proxy().await;
    for body in ["zz\r\nabc\r\n", "3\r\nabcdef\r\n", "-1\r\n", "ffffffffffffffffff\r\na", "3;\nabc\r\n0\r\n\r\n"] {
        let request = format!("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        let answer = raw(proxy.address, format!("{request}GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        assert!(statuses(&answer).len() <= 1, "{body:?} {answer}");
        assert!(!answer.contains("HTTP/1.1 200"), "{body:?} {answer}");
        assert!(!answer.contains("hidden"), "{body:?} {answer}");
    }
}

/// What follows the last chunk and ends in a bare LF would otherwise make the next request a trailer.
#[tokio::test]
async fn no_request_is_taken_for_trailers() {
    let (proxy, _upstream) = proxy().await;
    for end in [
        "0\r\n\n",
        "0\n\r\n",
        "0\n\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\n\n",
        "0\r\nX: y\r\n\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX: y\0\r\n\r\n",
        "0;a\0\r\n\r\n",
    ] {
        let request =
            format!("POST /first HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{end}");
        let next = "GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n";
        for before in ["", "GET /before HTTP/1.1\r\nHost: test\r\n\r\n"] {
            let answer = raw(proxy.address, format!("{before}{request}{next}{next}")).await;
            let expected: &[&str] = if before.is_empty() { &["400"] } else { &["200", "400"] };
            assert_eq!(statuses(&answer), expected, "{end:?} {answer}");
            assert!(!answer.contains("/hidden"), "{end:?} {answer}");
        }
    }
}

#[tokio::test]
async fn how_a_request_is_cut_into_packets_makes_no_difference() {
    let (proxy, _upstream) = proxy().await;
    let good = "POST /1 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-Sum: y\r\n\r\n\
                POST /2 HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\n\n\n\n\r\nGET /3 HTTP/1.1\r\nHost: test\r\n\r\n";
    let bad = "POST /4 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n";
    let all = format!("{good}{bad}");
    for size in [1, 2, 3, 7, 64] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for part in all.as_bytes().chunks(size) {
            // The proxy closes before the last of it.
            let _ = stream.write_all(part).await;
            tokio::task::yield_now().await;
        }
        let mut read = Vec::new();
        let _ = soon(stream.read_to_end(&mut read)).await;
        let answer = String::from_utf8_lossy(&read);
        // The last answer may be lost with the connection that still gets more: that is TCP.
        let all = statuses(&answer);
        assert_eq!(all[..3], ["200", "200", "200"], "{size} {answer}");
        assert!(matches!(all[3..], [] | ["400"]), "{size} {answer}");
    }
}

/// What an idle connection is taken for must not depend on how it has rested.
#[tokio::test]
async fn requests_after_a_body_are_told_from_it() {
    let (proxy, _upstream) = proxy().await;
    let body = "GET /hidden HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n\n\n";
    let length = body.len();
    let answer = raw(
        proxy.address,
        format!(
            "POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}\
             POST /2 HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n\
             GET /3 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
        ),
    )
    .await;
    assert_eq!(statuses(&answer).len(), 3, "{answer}");
    assert!(["POST /1 ", "POST /2 ", "GET /3 "].iter().all(|line| answer.contains(line)), "{answer}");
}

#[tokio::test]
async fn each_request_needs_exactly_one_valid_host() {
    let (proxy, upstream) = proxy().await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
        ("GET http://user:pass@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "405"),
    ] {
        let answer = raw(proxy.address, request).await;
        assert_eq!(statuses(&answer), [status], "{request:?} {answer}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn an_absolute_target_beats_the_host_header() {
    let (proxy, _upstream) = proxy().await;
    let answer =
        raw(proxy.address, "GET http://real:81/x?y HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("GET /x?y HTTP/1.1\n"), "{answer}");
    assert!(answer.contains("host: real:81\n") && !answer.contains("other"), "{answer}");
}

#[tokio::test]
async fn heads_beyond_the_limits_are_431() {
    let (proxy, upstream) = proxy().await;
    let many: String = (0..101).map(|index| format!("X-{index}: a\r\n")).collect();
    let answer = raw(proxy.address, format!("GET / HTTP/1.1\r\nHost: test\r\n{many}\r\n")).await;
    assert_eq!(statuses(&answer), ["431"]);
    let large = "a".repeat(65 << 10);
    let answer = raw(proxy.address, format!("GET / HTTP/1.1\r\nHost: test\r\nX-Large: {large}\r\n\r\n")).await;
    assert_eq!(statuses(&answer), ["431"]);
    let answer = raw(proxy.address, format!("GET /{large} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    assert!(matches!(statuses(&answer)[..], ["414" | "431"]), "{answer}");
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (proxy, _upstream) = proxy().await;
    let answer = raw(
        proxy.address,
        "GET /1 HTTP/1.1\r\nHost: test\r\n\r\nPOST /2 HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc\
         GET /3 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(statuses(&answer), ["200", "200", "200"]);
    let at = |text: &str| answer.find(text).unwrap();
    assert!(at("GET /1 ") < at("POST /2 ") && at("POST /2 ") < at("GET /3 "));
}

#[tokio::test]
async fn http_1_0_clients_are_served() {
    let (proxy, _upstream) = proxy().await;
    let answer = raw(proxy.address, "GET /old HTTP/1.0\r\nHost: test\r\n\r\n").await;
    assert!(answer.contains("GET /old HTTP/1.1\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_continue() {
    let (proxy, _upstream) = proxy().await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    soon(stream.read_exact(&mut interim)).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.unwrap();
    let mut rest = String::new();
    soon(stream.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.ends_with("\n\nabc") && !rest.contains("expect:"), "{rest}");
}

#[tokio::test]
async fn a_length_that_no_body_has_is_refused() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    for length in [
        "9223372036854775808",
        "18446744073709551613",
        "18446744073709551614",
        "18446744073709551615",
        "18446744073709551616",
    ] {
        let answer =
            raw(proxy.address, format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close\r\n"), "{length} {answer}");
    }
}

/// Whoever knows what the endpoints of one backend take says it there, whatever the proxy has for all, and over HTTP/1.1 too.
#[tokio::test]
async fn a_backend_says_how_long_heads_may_be() {
    let upstream = Upstream::http1(echo).await;
    for (most, length, status) in
        [(None, 3 << 10, 200), (NonZeroU32::new(2 << 10), 1 << 10, 200), (NonZeroU32::new(2 << 10), 3 << 10, 431)]
    {
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.policy.connections.max_head_size = most;
        let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
        let request = Request::get("/").header("x-long", "x".repeat(length));
        assert_eq!(soon(ask(proxy.address, request)).await.status, status, "{most:?} {length}");
    }
}
