//! Requests and answers of which one side does not take the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::Limit;
use backstay_proxy::server::{Limits, Options};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::hostile::{counting, get, nothing_is_left};
use crate::support::wire::{
    DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, PING, RST_STREAM, WINDOW_UPDATE, Wire, block, frame,
    head_of,
};
use crate::support::{ANY_PORT, BackendOf, Proxy, Raw, Routes, Upstream, access_log, echo, socket, soon, to, until};

/// An upstream with more to say than any buffer has room for, but little on `/small`.
async fn large() -> Upstream {
    // Made once: that takes longer than some of the timeouts here.
    let body = Bytes::from(vec![b'x'; 64 << 20]);
    Upstream::http1(move |request: Request<hyper::body::Incoming>| {
        let size = if request.uri().path() == "/small" { 1 } else { body.len() };
        let answer = Response::new(Full::from(body.slice(..size)));
        async { answer }
    })
    .await
}

#[tokio::test]
async fn a_stream_that_is_not_read_ends_alone() {
    let upstream = large().await;
    let backend = counting(&upstream);
    let limits = Limits { stream_idle_timeout: Duration::from_millis(500), ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend, upstream.address.port()))).await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &get())).await;
    assert_eq!(wire.until(HEADERS).await.unwrap().stream, 1);
    // Pings, and other requests on the same connection, do not help it.
    let small = block(&[(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "/small")]);
    let (mut number, mut answered) = (3, 0);
    let reset = loop {
        wire.send(&frame(PING, 0, 0, b"12345678")).await;
        wire.send(&frame(WINDOW_UPDATE, 0, 0, &1000_u32.to_be_bytes())).await;
        wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, number, &small)).await;
        let ended = loop {
            let frame = wire.next().await.expect("the connection goes on");
            if frame.kind == RST_STREAM || frame.stream == number && frame.flags & END_STREAM != 0 {
                break frame;
            }
        };
        if ended.kind == RST_STREAM {
            break ended;
        }
        (number, answered) = (number + 2, answered + 1);
    };
    assert_eq!((reset.stream, reset.number()), (1, 8), "it is cancelled");
    assert!(answered > 0);
    until(|| backend.breakers.active(Limit::Requests) <= 1).await;
    drop(wire);
    until(|| backend.breakers.active(Limit::Requests) == 0).await;
}

#[tokio::test]
async fn an_upload_that_moves_is_no_stream_that_stands_still() {
    let upstream = Upstream::http1(echo).await;
    let backend = BackendOf::http1(&[upstream.address]).build();
    let limits = Limits { stream_idle_timeout: Duration::from_millis(300), ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend, upstream.address.port()))).await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    wire.send(&frame(HEADERS, END_HEADERS, 1, &head_of("POST", &[]))).await;
    let end = tokio::time::Instant::now() + Duration::from_millis(1200);
    while tokio::time::Instant::now() < end {
        assert!(wire.send(&frame(DATA, 0, 1, b"part ")).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    wire.send(&frame(DATA, END_STREAM, 1, b"end")).await;
    let head = loop {
        let frame = wire.next().await.unwrap();
        if frame.kind != WINDOW_UPDATE {
            break frame;
        }
    };
    assert_eq!((head.kind, head.payload.first()), (HEADERS, Some(&0x88)), "{head:?}");
}

#[tokio::test]
async fn a_timeout_passes_whether_or_not_the_client_reads() {
    for multiplexed in [true, false] {
        let upstream = large().await;
        let backend = counting(&upstream);
        let mut forward = to(&backend, upstream.address.port());
        // Longer than it takes until the answer has begun.
        forward.request_timeout = Some(Duration::from_secs(1));
        let (log, lines) = access_log();
        let options = Options { access_log: Some(log), ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(forward))).await;
        let _client;
        if multiplexed {
            let mut wire = Wire::connect(proxy.address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
            wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &get())).await;
            assert_eq!(wire.until(RST_STREAM).await.unwrap().stream, 1);
        } else {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let client = socket.connect(proxy.address).await.unwrap();
            client.try_write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
            _client = client;
        }
        let line = tokio::task::spawn_blocking(move || lines.next()).await.unwrap();
        assert_eq!((&line["flags"], &line["details"]), (&"UT".into(), &"response_timeout".into()), "{line}");
        nothing_is_left(&backend).await;
    }
}

#[tokio::test]
async fn whoever_finds_that_the_time_is_over_says_the_same() {
    const CLIENTS: usize = 64;
    let upstream = large().await;
    let backend = counting(&upstream);
    let mut forward = to(&backend, upstream.address.port());
    forward.request_timeout = Some(Duration::from_secs(1));
    let (log, lines) = access_log();
    // Looks at its connections every hundredth of a second: often, that is just before the time is over.
    let limits = Limits { idle_timeout: Duration::from_millis(80), ..Limits::default() };
    let options = Options { access_log: Some(log), limits, ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(forward))).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let client = socket.connect(proxy.address).await.unwrap();
        client.try_write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        clients.push(client);
    }
    let said = tokio::task::spawn_blocking(move || {
        let line = |line: serde_json::Value| (line["flags"].clone(), line["details"].clone());
        (0..CLIENTS).map(|_| line(lines.next())).collect::<Vec<_>>()
    });
    for (flags, details) in said.await.unwrap() {
        assert_eq!((flags, details), ("UT".into(), "response_timeout".into()));
    }
    nothing_is_left(&backend).await;
    assert_eq!(backend.metrics.timeouts.total.get(), CLIENTS as u64);
}

/// Answers as soon as it has the head of a request, and goes on to read, or not to.
async fn answers_early(reads: bool, http2: bool) -> (Upstream, Arc<AtomicUsize>) {
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    let upstream = Upstream::serve(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            if http2 {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    respond.send_response(Response::new(()), true).unwrap();
                    let count = Arc::clone(&count);
                    tokio::spawn(async move {
                        let mut body = request.into_body();
                        while let Some(Ok(part)) = body.data().await {
                            count.fetch_add(part.len(), SeqCst);
                            let _ = body.flow_control().release_capacity(part.len());
                        }
                    });
                }
                return;
            }
            Raw::head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
            let mut buffer = [0; 4096];
            while reads && let Ok(read @ 1..) = stream.read(&mut buffer).await {
                count.fetch_add(read, SeqCst);
            }
            if !reads {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    (upstream, received)
}

#[tokio::test]
async fn a_request_that_is_answered_early_does_not_go_on_for_ever() {
    for http2 in [false, true] {
        let (upstream, received) = answers_early(true, http2).await;
        let backend =
            if http2 { BackendOf::http2(upstream.address) } else { BackendOf::http1(&[upstream.address]) }.build();
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        let mut wire = Wire::connect(proxy.address, &[]).await;
        wire.send(&frame(HEADERS, END_HEADERS, 1, &head_of("POST", &[]))).await;
        assert_eq!(wire.until(HEADERS).await.unwrap().stream, 1);
        // A byte now and then, until the proxy says that it has had enough.
        let mut sent = 0;
        let ended = soon(async {
            loop {
                wire.send(&frame(DATA, 0, 1, b"x")).await;
                sent += 1;
                if let Ok(ended) = tokio::time::timeout(Duration::from_millis(20), wire.until(RST_STREAM)).await {
                    return ended;
                }
            }
        })
        .await;
        assert_eq!(ended.map(|frame| frame.stream), Some(1), "over HTTP/2: {http2}");
        if !http2 {
            until(|| backend.breakers.active(Limit::Connections) == 0).await;
            assert!(received.load(SeqCst) > 0, "the client has a moment to finish");
        }
        // The client's connection is as good as before.
        wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &get())).await;
        assert_eq!(wire.until(HEADERS).await.unwrap().stream, 3);
    }
}

#[tokio::test]
async fn an_upstream_that_answers_and_does_not_read_keeps_no_connection() {
    let (upstream, _received) = answers_early(false, false).await;
    let backend = counting(&upstream);
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 413 "));
    let (mut reader, mut writer) = client.into_split();
    // As much as anybody takes: far more than the upstream does.
    let upload = tokio::spawn(async move { while writer.write_all(&[b'x'; 65_536]).await.is_ok() {} });
    nothing_is_left(&backend).await;
    let mut rest = Vec::new();
    let _ = soon(reader.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"no");
    soon(upload).await.unwrap();
}
