//! Upstreams that mean harm, or whose answers clients leave unread.

use std::num::NonZeroU32;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::wire::{DATA, END_HEADERS, END_STREAM, HEADERS, Wire, block, frame};
use crate::support::{Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, soon, to};

/// A proxy before an upstream that answers each request head over HTTP/1.1 with `answer`, as it is.
async fn saying(answer: &'static [u8]) -> (Proxy, Upstream) {
    let upstream = Upstream::serve(move |mut stream| async move {
        loop {
            Raw::head(&mut stream).await;
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    })
    .await;
    (Proxy::start(Routes::to(upstream.address)).await, upstream)
}

#[tokio::test]
async fn a_length_is_said_once() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2 ,2\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let (proxy, _upstream) = saying(answer).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        let lengths: Vec<_> = answer.headers.get_all("content-length").iter().collect();
        assert_eq!((answer.text(), lengths.len(), lengths[0].as_bytes()), ("ok", 1, &b"2"[..]), "{answer:?}");
    }
    // What arrives over HTTP/2 must not say it twice over HTTP/1.1 either.
    let upstream = Upstream::http1(crate::support::echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let request = Request::post("http://a/").header("content-length", "3").header("content-length", "3");
    let request = request.body(Full::from("abc").boxed()).unwrap();
    let answer = Answer::read(H2Client::connect(proxy.address).await.begin(request).await.unwrap()).await;
    assert_eq!(answer.text().matches("content-length: 3\n").count(), 1, "{}", answer.text());
}

#[tokio::test]
async fn heads_that_two_clients_could_read_differently_are_refused() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A : a\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A: a\rX-B: b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"hello",
    ] {
        let (proxy, _upstream) = saying(answer).await;
        let said = String::from_utf8_lossy(answer).into_owned();
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 502, "{said:?}");
    }
}

#[tokio::test]
async fn what_comes_after_an_answer_is_no_answer_to_the_next_request() {
    let (proxy, upstream) =
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            .await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..50 {
        assert_eq!(client.get("/").await.text(), "ok");
    }
    assert_eq!(upstream.connections(), 50, "a connection with more on it than was asked for is not used again");
}

#[tokio::test]
async fn heads_have_a_size_in_both_protocols() {
    let answering = |size: usize| {
        move |_| async move { Response::builder().header("x-large", "a".repeat(size)).body(Full::from("ok")).unwrap() }
    };
    for (size, fits) in [(40_000, true), (200_000, false)] {
        let http1 = Upstream::http1(answering(size)).await;
        let http2 = Upstream::serve(move |stream| async move {
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| async move {
                Ok::<_, std::convert::Infallible>(answering(size)(request).await)
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            let mut server = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            let _ = server.max_header_list_size(1 << 20).serve_connection(io, service).await;
        })
        .await;
        for backend in [BackendOf::http1(&[http1.address]), BackendOf::http2(http2.address)] {
            let port = if backend.protocol == backstay_model::Protocol::Http1 { &http1 } else { &http2 };
            let proxy = Proxy::start(Routes::all(to(&backend.build(), port.address.port()))).await;
            let answer = ask(proxy.address, Request::get("/")).await;
            assert_eq!(answer.status == 200, fits, "{size}: {}", answer.status);
            assert_eq!(answer.header("x-large").len() == size, fits);
        }
    }
}

/// Clients that ask for large answers and do not read them.
async fn idlers(proxy: &Proxy, count: usize) -> Vec<TcpStream> {
    let mut idlers = Vec::new();
    for _ in 0..count {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(proxy.address).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
        soon(stream.readable()).await.unwrap();
        idlers.push(stream);
    }
    idlers
}

#[tokio::test]
async fn answers_that_are_not_read_hold_up_no_others_on_their_connection() {
    let upstream = Upstream::http2(|request: Request<hyper::body::Incoming>| async move {
        let size = if request.uri().path() == "/large" { 64 << 20 } else { 2 };
        Response::new(Full::from(vec![b'x'; size]))
    })
    .await;
    // As many as the endpoint takes at once, and one of those left for somebody who reads.
    let mut backend = BackendOf::http2(upstream.address);
    backend.policy.connections.max_streams = NonZeroU32::new(40);
    let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
    let idlers = idlers(&proxy, 39).await;
    for _ in 0..10 {
        assert_eq!(ask(proxy.address, Request::get("/small")).await.text(), "xx");
    }
    assert_eq!(upstream.connections(), 1);
    drop(idlers);
}

#[tokio::test]
async fn a_connection_carries_no_more_requests_than_it_has_room_for() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let held = Arc::clone(&gate);
    let upstream = Upstream::serve(move |stream| {
        let held = Arc::clone(&held);
        async move {
            let service = hyper::service::service_fn(move |_| {
                let held = Arc::clone(&held);
                async move {
                    let _ = held.acquire().await;
                    Ok::<_, std::convert::Infallible>(Response::new(Full::<bytes::Bytes>::from("ok")))
                }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            let mut server = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
            // It would take any number.
            let _ = server.max_concurrent_streams(None).serve_connection(io, service).await;
        }
    })
    .await;
    let backend = BackendOf::http2(upstream.address).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let requests: Vec<_> = (0..300).map(|_| tokio::spawn(ask(proxy.address, Request::get("/")))).collect();
    crate::support::until(|| upstream.connections() >= 2).await;
    gate.close();
    for request in requests {
        assert_eq!(request.await.unwrap().text(), "ok");
    }
    assert!(upstream.connections() <= 3, "{}", upstream.connections());
}

#[tokio::test]
async fn hints_without_end_are_no_answer() {
    // Some, before the answer.
    for (http2, hints) in [(false, 1000), (true, 1000)] {
        let upstream = Upstream::serve(move |mut stream| async move {
            if http2 {
                let mut wire = Wire::accept(stream, &[]).await;
                let request = wire.until(HEADERS).await.unwrap().stream;
                let hint = frame(HEADERS, END_HEADERS, request, &block(&[(":status", "103"), ("link", "a")]));
                let head = frame(HEADERS, END_HEADERS, request, &block(&[(":status", "200")]));
                wire.send(&[hint.repeat(hints), head, frame(DATA, END_STREAM, request, b"ok")].concat()).await;
                while wire.next().await.is_some() {}
                return;
            }
            Raw::head(&mut stream).await;
            stream.write_all(&b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(hints)).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            Raw::head(&mut stream).await;
        })
        .await;
        let backend = if http2 { BackendOf::http2(upstream.address) } else { BackendOf::http1(&[upstream.address]) };
        let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "ok", "{http2}");
    }
    // Or none at all: the timeout of the request counts.
    let upstream = Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut forward = to(&BackendOf::http1(&[upstream.address]).build(), upstream.address.port());
    forward.request_timeout = Some(std::time::Duration::from_millis(200));
    let proxy = Proxy::start(Routes::all(forward)).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 504);
}

#[tokio::test]
async fn what_follows_where_no_body_may_be_is_no_answer_to_the_next_request() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"),
        ("GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 44\r\n\r\nHTTP/1.1 204 No Content\n\n"),
    ] {
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let (mut first, _) = upstream.accept().await;
        first.write_all(answer.as_bytes()).await.unwrap();
        Raw::head(&mut client).await;
        // By now the connection is kept.
        first.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison").await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let (mut second, _) = upstream.accept().await;
        second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await.unwrap();
        let mut text = String::new();
        soon(client.read_to_string(&mut text)).await.unwrap();
        assert!(text.ends_with("\r\n\r\nok"), "{answer:?}: {text}");
    }
}
