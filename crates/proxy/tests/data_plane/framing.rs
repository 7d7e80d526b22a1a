//! Requests that two readers could read in two ways, and heads that are none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Proxy, Routes, Upstream, echo, raw, soon};

async fn proxy() -> (Proxy, Upstream) {
    let upstream = Upstream::http1(echo).await;
    (Proxy::start(Routes::to(upstream.address)).await, upstream)
}

fn statuses(answer: &str) -> Vec<&str> {
    let lines = answer.split("HTTP/1.").skip(1).filter_map(|part| part.get(2..5));
    lines.filter(|status| status.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

#[tokio::test]
async fn a_request_with_length_and_chunks_is_read_as_chunks_and_is_the_last_of_its_connection() {
    let (proxy, upstream) = proxy().await;
    let hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: test\r\n\r\n";
    for framing in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked", hidden.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", hidden.len()),
    ] {
        let answer = raw(proxy.address, format!("POST / HTTP/1.1\r\nHost: test\r\n{framing}\r\n\r\n{hidden}")).await;
        // RFC 9112, 6.3: the length is dropped, and nothing after the last chunk is taken for a request.
        assert_eq!(statuses(&answer), ["200"], "{answer}");
        assert!(answer.contains("transfer-encoding: chunked") && !answer.contains("/hidden"), "{answer}");
        assert!(!answer.contains("content-length: 49"), "{answer}");
    }
    assert!(upstream.connections() >= 1);
}

#[tokio::test]
async fn ambiguous_framing_is_refused_and_ends_the_connection() {
    let (proxy, upstream) = proxy().await;
    let follow = "GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n";
    for (head, status) in [
        ("Content-Length: 3\r\nContent-Length: 5", "400"),
        ("Content-Length: 3, 5", "400"),
        ("Content-Length: +3", "400"),
        ("Content-Length: -3", "400"),
        ("Content-Length: 0x3", "400"),
        ("Content-Length: 99999999999999999999", "400"),
        ("Transfer-Encoding: gzip", "400"),
        ("Transfer-Encoding: chunked, gzip", "400"),
        ("Transfer-Encoding: gzip, chunked", "501"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "501"),
        ("Transfer-Encoding: xchunked", "400"),
        ("Transfer-Encoding : chunked", "400"),
        ("Content-Length : 3", "400"),
        ("X-A: b\r\n folded", "400"),
        ("X-A: b\r\n\tfolded", "400"),
        ("X-A: a\rb", "400"),
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
