//! What a request is for: one form is matched, logged and sent.

use std::num::{NonZeroU16, NonZeroU32};

use backstay_model::{PathEdit, Redirect};
use backstay_proxy::config::{Action, Filters, Mirror};
use backstay_proxy::route::{Matcher, PathMatch};
use backstay_proxy::server::Options;
use http::StatusCode;
use tokio::sync::mpsc;

use crate::support::wire::{END_HEADERS, END_STREAM, HEADERS, RST_STREAM, Wire, block, frame};
use crate::support::{ANY_PORT, BackendOf, Proxy, Routes, Upstream, access_log, echo, on, raw, socket, soon, text, to};

const BARE: &str = "GET http://test?q=1 HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_path_that_is_left_out_is_a_slash_for_all_who_look() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let copies = Upstream::http2(move |request| {
        let _ = tell.send(request.uri().path_and_query().unwrap().to_string());
        echo(request)
    })
    .await;
    for http2 in [false, true] {
        for retries in [false, true] {
            let upstream = if http2 { Upstream::http2(echo).await } else { Upstream::http1(echo).await };
            let mut backend =
                if http2 { BackendOf::http2(upstream.address) } else { BackendOf::http1(&[upstream.address]) };
            backend.policy.retries = retries.then(|| on(&["5xx"], 1));
            let mirrors = [Mirror {
                backend: BackendOf::http2(copies.address).build(),
                port: NonZeroU16::new(copies.address.port()),
                numerator: 1,
                denominator: NonZeroU32::MIN,
            }];
            let filters = Filters { mirrors: mirrors.into(), ..Filters::default() };
            let forward = to(&backend.build(), upstream.address.port());
            let exact = Matcher::path(PathMatch::Exact("/".into()));
            let table = Routes::default().rule("", exact, filters, Action::Forward(forward)).build();
            let (log, lines) = access_log();
            let proxy =
                Proxy::with(Options { access_log: Some(log), ..Options::default() }, socket(ANY_PORT, table)).await;
            let answer = raw(proxy.address, BARE).await;
            let seen = if http2 { "GET http://test/?q=1 HTTP/2.0\n" } else { "GET /?q=1 HTTP/1.1\n" };
            assert!(answer.contains(seen), "{answer}");
            assert_eq!(lines.next()["path"], "/?q=1");
            assert_eq!(soon(told.recv()).await.unwrap(), "/?q=1");
        }
    }
}

#[tokio::test]
async fn redirects_and_rewrites_of_a_path_that_is_left_out_begin_with_a_slash() {
    let upstream = Upstream::http2(echo).await;
    let forward = || Action::Forward(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()));
    let rewrite = |edit: PathEdit| Filters { rewrite_path: Some(edit), ..Filters::default() };
    let redirect = Redirect { scheme: None, hostname: None, port: None, path: None, status: StatusCode::FOUND };
    let table = Routes::default()
        .rule("none.test", Matcher::prefix("/"), rewrite(PathEdit::Prefix("".into())), forward())
        .rule("prefix.test", Matcher::prefix("/"), rewrite(PathEdit::Prefix("/a".into())), forward())
        .rule("whole.test", Matcher::prefix("/"), rewrite(PathEdit::Full("/b".into())), forward())
        .rule("away.test", Matcher::prefix("/"), Filters::default(), Action::Redirect(redirect))
        .build();
    let proxy = Proxy::start(table).await;
    for (host, path) in [("none", "/?q=1"), ("prefix", "/a/?q=1"), ("whole", "/b?q=1")] {
        let request = format!("GET http://{host}.test?q=1 HTTP/1.1\r\nHost: {host}.test\r\nConnection: close\r\n\r\n");
        let answer = raw(proxy.address, request).await;
        assert!(answer.contains(&format!("GET http://{host}.test{path} HTTP/2.0\n")), "{answer}");
    }
    let answer = raw(proxy.address, "GET http://away.test?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains(&format!("location: http://away.test:{}/?q=1\r\n", proxy.address.port())), "{answer}");
}

#[tokio::test]
async fn what_is_no_path_is_refused() {
    let upstream = Upstream::http2(echo).await;
    let table = Routes::default()
        .rule(
            "",
            Matcher::prefix("/"),
            Filters::default(),
            Action::Forward(to(&BackendOf::http2(upstream.address).build(), upstream.address.port())),
        )
        .rule("", Matcher::path(PathMatch::regex(".*").unwrap()), Filters::default(), text(200, "any"))
        .build();
    let proxy = Proxy::start(table).await;
    for target in ["*", "?q=1", "a", "a/b", "//", "http:///a", "test:80"] {
        let answer =
            raw(proxy.address, format!("GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")).await;
        let expected = if target == "//" { "HTTP/1.1 200 " } else { "HTTP/1.1 400 " };
        assert!(answer.starts_with(expected), "{target} {answer}");
    }
    let answer = raw(proxy.address, "OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("any"), "{answer}");

    let connections = upstream.connections();
    let mut wire = Wire::connect(proxy.address, &[]).await;
    for (stream, path) in [(1, "?q"), (3, "*"), (5, "a"), (7, ""), (9, "http://evil/"), (11, "*/a")] {
        let head = block(&[(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", path)]);
        wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head)).await;
        let answer = loop {
            let answer = wire.next().await.expect("the connection goes on");
            if answer.stream == stream && matches!(answer.kind, HEADERS | RST_STREAM) {
                break answer;
            }
        };
        // A reset, or 400 by the static table of HPACK.
        assert!(answer.kind == RST_STREAM || answer.payload[0] == 0x8c, "{path:?} {answer:?}");
    }
    assert_eq!(upstream.connections(), connections, "nothing of it was sent on");
}

#[tokio::test]
async fn targets_of_other_schemes_and_raw_bytes_beyond_ascii_are_refused() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    for target in ["ftp://test/", "ftp://test?q", "ws://test/", "/caf\u{e9}", "/?q=caf\u{e9}", "http://test/caf\u{e9}"]
    {
        let answer = raw(proxy.address, format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close\r\n"), "{target} {answer}");
    }
    let connections = upstream.connections();
    let mut wire = Wire::connect(proxy.address, &[]).await;
    for (stream, scheme, path) in [(1, "ftp", "/"), (3, "http", "/caf\u{e9}")] {
        let head = block(&[(":method", "GET"), (":scheme", scheme), (":authority", "test"), (":path", path)]);
        wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head)).await;
        let answer = wire.until(HEADERS).await.expect("an answer");
        assert_eq!(
            (answer.stream, answer.payload[0]),
            (stream, 0x8c),
            "400 by the static table of HPACK: {scheme} {path}"
        );
    }
    assert_eq!(upstream.connections(), connections, "nothing of it was sent on");
}
