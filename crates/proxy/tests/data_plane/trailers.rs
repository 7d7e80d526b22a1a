//! Headers after a body: what belongs into a head is never among them, whoever speaks what.

use std::convert::Infallible;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use backstay_proxy::config::{Action, Filters, Mirror};
use backstay_proxy::route::{Matcher, Table};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::wire::{DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, Wire, block, frame, head_of};
use crate::support::{BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, on, raw, soon, to};

/// What may come after a body.
const ALLOWED: [&str; 5] = ["custom-bin", "grpc-message", "grpc-status", "grpc-status-details-bin", "x-sum"];

/// What may not.
const FORBIDDEN: [&str; 21] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-envoy-retry-on",
    "x-forwarded-for",
];

/// A message's end in HTTP/1.1, with all of them.
fn chunks() -> String {
    let lines: String = FORBIDDEN.iter().chain(&ALLOWED).map(|name| format!("{name}: 7\r\n")).collect();
    format!("4\r\nbody\r\n0\r\n{lines}\r\n")
}

fn announced() -> String {
    FORBIDDEN.iter().chain(&ALLOWED).copied().collect::<Vec<_>>().join(", ")
}

fn all() -> HeaderMap {
    let names = FORBIDDEN.iter().chain(&ALLOWED).map(|name| HeaderName::from_static(name));
    names.map(|name| (name, HeaderValue::from_static("7"))).collect()
}

fn names(trailers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = trailers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

type Told = mpsc::UnboundedReceiver<(Bytes, HeaderMap)>;

/// An upstream that tells what came after each head, and fails the first `failures` requests.
async fn telling(http2: bool, failures: usize) -> (Upstream, Told) {
    let (tell, told) = mpsc::unbounded_channel();
    let left = Arc::new(AtomicUsize::new(failures));
    let answer = move |request: Request<hyper::body::Incoming>| {
        let (tell, left) = (tell.clone(), Arc::clone(&left));
        async move {
            let body = request.into_body().collect().await;
            if let Ok(body) = body {
                let trailers = body.trailers().cloned().unwrap_or_default();
                let _ = tell.send((body.to_bytes(), trailers));
            }
            let fails = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            Response::builder().status(if fails { 503 } else { 200 }).body(String::new()).unwrap()
        }
    };
    let upstream = if http2 { Upstream::http2(answer).await } else { Upstream::http1(answer).await };
    (upstream, told)
}

fn backend(upstream: &Upstream, http2: bool) -> BackendOf {
    if http2 { BackendOf::http2(upstream.address) } else { BackendOf::http1(&[upstream.address]) }
}

/// Posts all of them over HTTP/1.1; yields the status line.
async fn post(proxy: &Proxy) -> String {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTrailer: {}\r\nConnection: close\r\n\r\n",
        announced()
    );
    let answer = raw(proxy.address, head + &chunks()).await;
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn endpoints_get_none_that_belong_into_a_head() {
    for http2 in [false, true] {
        let (upstream, mut told) = telling(http2, 0).await;
        let proxy = Proxy::start(Routes::all(to(&backend(&upstream, http2).build(), upstream.address.port()))).await;
        assert_eq!(post(&proxy).await, "HTTP/1.1 200 OK");
        let (body, trailers) = soon(told.recv()).await.unwrap();
        assert_eq!((&body[..], names(&trailers)), (&b"body"[..], ALLOWED.to_vec()), "to HTTP/2: {http2}");
        // Each alone: the request ends though none is left.
        for name in FORBIDDEN {
            let request = format!(
                "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTrailer: {name}\r\nConnection: close\r\n\r\n\
                 4\r\nbody\r\n0\r\n{name}: 7\r\n\r\n"
            );
            let answer = raw(proxy.address, request).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{name} {answer}");
            let (body, trailers) = soon(told.recv()).await.unwrap();
            assert_eq!((&body[..], trailers.len()), (&b"body"[..], 0), "{name}");
        }
        assert_eq!(upstream.connections(), 1, "no request cost the connection");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_has_the_same_trailers() {
    for http2 in [false, true] {
        let (upstream, mut told) = telling(http2, 1).await;
        let mut backend = backend(&upstream, http2);
        backend.policy.retries = Some(on(&["5xx"], 1));
        let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
        assert_eq!(post(&proxy).await, "HTTP/1.1 200 OK");
        for _ in 0..2 {
            let (body, trailers) = soon(told.recv()).await.unwrap();
            assert_eq!((&body[..], names(&trailers)), (&b"body"[..], ALLOWED.to_vec()), "to HTTP/2: {http2}");
        }
    }
}

fn mirrored(main: &Upstream, copies: &Upstream, http2: bool) -> Table {
    let mirror = Mirror {
        backend: backend(copies, http2).build(),
        port: NonZeroU16::new(copies.address.port()),
        numerator: 1,
        denominator: NonZeroU32::MIN,
    };
    let filters = Filters { mirrors: [mirror].into(), ..Filters::default() };
    let forward = to(&backend(main, http2).build(), main.address.port());
    Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build()
}

#[tokio::test]
async fn a_copy_of_a_request_has_the_same_trailers() {
    for http2 in [false, true] {
        let (main, mut told) = telling(http2, 0).await;
        let (copies, mut copied) = telling(http2, 0).await;
        let proxy = Proxy::start(mirrored(&main, &copies, http2)).await;
        assert_eq!(post(&proxy).await, "HTTP/1.1 200 OK");
        for told in [&mut told, &mut copied] {
            let (body, trailers) = soon(told.recv()).await.unwrap();
            assert_eq!((&body[..], names(&trailers)), (&b"body"[..], ALLOWED.to_vec()), "to HTTP/2: {http2}");
        }
    }
}

#[tokio::test]
async fn trailers_of_http2_clients_are_filtered_too() {
    let (upstream, mut told) = telling(true, 0).await;
    let proxy = Proxy::start(Routes::all(to(&backend(&upstream, true).build(), upstream.address.port()))).await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    // What belongs to a connection makes a message malformed in HTTP/2, and its stream is reset.
    let of_connection = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];
    let mut stream = 1;
    for name in FORBIDDEN.iter().chain([":path", "a\"b"].iter()) {
        wire.send(&frame(HEADERS, END_HEADERS, stream, &head_of("POST", &[]))).await;
        wire.send(&frame(DATA, 0, stream, b"body")).await;
        // What is of the head alone comes first (RFC 9113, 8.3).
        let trailers = block(&[(name, "7"), ("x-sum", "7"), ("x-blank", " 7")]);
        wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &trailers)).await;
        let answer = loop {
            let answer = wire.next().await.unwrap();
            if answer.stream == stream && matches!(answer.kind, HEADERS | RST_STREAM) {
                break answer;
            }
        };
        if of_connection.contains(name) {
            assert_eq!(answer.kind, RST_STREAM, "{name}");
        } else {
            assert!(answer.kind == HEADERS && answer.payload[0] == 0x88, "{name} {answer:?}");
            let (body, trailers) = soon(told.recv()).await.unwrap();
            assert_eq!((&body[..], names(&trailers)), (&b"body"[..], vec!["x-sum"]), "{name}");
        }
        stream += 2;
    }
    assert_eq!(upstream.connections(), 1, "no request cost the connection");
}

/// An endpoint that answers each connection's first request with all of them, over HTTP/1.1.
async fn answering() -> Upstream {
    Upstream::serve(|mut stream: TcpStream| async move {
        Raw::head(&mut stream).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: {}\r\nConnection: close\r\n\r\n",
            announced()
        );
        let _ = stream.write_all((head + &chunks()).as_bytes()).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await
}

async fn answering_http2() -> Upstream {
    Upstream::http2(|_| async {
        // The library lets nobody send what belongs to a connection.
        let mut trailers = all();
        for name in ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"] {
            trailers.remove(name);
        }
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
        Response::builder().header("trailer", announced()).body(StreamBody::new(futures::stream::iter(frames))).unwrap()
    })
    .await
}

#[tokio::test]
async fn clients_get_none_that_belong_into_a_head() {
    for http2 in [false, true] {
        let upstream = if http2 { answering_http2().await } else { answering().await };
        let proxy = Proxy::start(Routes::all(to(&backend(&upstream, http2).build(), upstream.address.port()))).await;
        let answer = H2Client::connect(proxy.address).await.get("http://test/").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "body"), "from HTTP/2: {http2}");
        assert_eq!(names(&answer.trailers.unwrap_or_default()), ALLOWED, "from HTTP/2: {http2}");
        let request = Request::get("/").header("host", "test").header("connection", "te").header("te", "trailers");
        let answer = Client::connect(proxy.address).await.send(request.body(Default::default()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "body"), "from HTTP/2: {http2}");
        assert_eq!(names(&answer.trailers.unwrap_or_default()), ALLOWED, "from HTTP/2: {http2}");
    }
}
