//! Connections to upstreams: kept, reused, and replaced when they turn out to be closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::Limit;
use backstay_model::Timeouts;
use backstay_proxy::server::Limits;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{BackendOf, Client, Proxy, Raw, Routes, Upstream, on, soon, to, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::from("ok")) }).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    for _ in 0..3 {
        let mut client = Client::connect(proxy.address).await;
        for _ in 0..5 {
            assert_eq!(client.get("/").await.text(), "ok");
        }
    }
    assert_eq!(upstream.connections(), 1);
}

/// Closes each connection right after its first answer, saying nothing.
async fn closes_after_each_answer() -> Upstream {
    Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
        let _ = stream.write_all(OK).await;
    })
    .await
}

#[tokio::test]
async fn an_upstream_that_closes_kept_connections_fails_no_request() {
    let upstream = closes_after_each_answer().await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    for index in 0..200 {
        assert_eq!(client.get("/").await.status, 200, "request {index}");
    }
    assert_eq!(upstream.connections(), 200);
}

#[tokio::test]
async fn a_kept_connection_that_is_half_closed_carries_no_request() {
    let (closed, mut half_closed) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Upstream::serve(move |mut stream| {
        let closed = closed.clone();
        async move {
            Raw::head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
            stream.shutdown().await.unwrap();
            closed.send(()).unwrap();
            // It would read what comes.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        }
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    for count in 1..=3 {
        let post = Request::post("/").header("host", "a").body(Full::from("once")).unwrap();
        assert_eq!(client.send(post).await.status, 200, "request {count}");
        soon(half_closed.recv()).await.unwrap();
        assert_eq!(upstream.connections(), count);
    }
}

#[tokio::test]
async fn a_request_lost_on_a_kept_connection_is_sent_again_if_that_does_no_harm() {
    // Reads the second request of each connection and closes without a word: the worst moment.
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let upstream = Upstream::serve(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            Raw::head(&mut stream).await;
            count.fetch_add(1, SeqCst);
            let _ = stream.write_all(OK).await;
            Raw::head(&mut stream).await;
        }
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..5 {
        assert_eq!(client.get("/").await.status, 200);
    }
    assert_eq!(served.load(SeqCst), 5);

    let mut client = Client::connect(proxy.address).await;
    let post = || Request::post("/").header("host", "a").body(Full::from("once")).unwrap();
    let answer = client.send(post()).await;
    assert_eq!(answer.status, 503, "a request that may not be repeated is not");
    assert!(answer.text().ends_with("reset reason: connection termination"), "{}", answer.text());
}

#[tokio::test]
async fn an_upstream_that_says_close_gets_a_new_connection() {
    let upstream = Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end").await;
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..3 {
        assert_eq!(client.get("/").await.text(), "until the end");
    }
    assert_eq!(upstream.connections(), 3);
}

#[tokio::test]
async fn unused_connections_are_closed_after_their_idle_timeout() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { idle: Duration::from_millis(50), ..Timeouts::default() };
    let limits = Limits { idle_timeout: Duration::from_millis(200), ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend.build(), address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    let (answer, mut stream) = tokio::join!(client.get("/"), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(OK).await.unwrap();
        stream
    });
    assert_eq!(answer.text(), "ok");
    let mut rest = Vec::new();
    let read = soon(stream.read_to_end(&mut rest)).await;
    assert_eq!(read.unwrap(), 0, "the proxy closes");
}

#[tokio::test]
async fn an_answer_the_client_leaves_early_closes_its_connection_upstream() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = Client::connect(proxy.address).await;
    let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
    let (response, mut stream) = tokio::join!(client.begin(request), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nsome").await.unwrap();
        stream
    });
    drop((response, client));
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_cancels_its_request_upstream() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let client = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    client.try_write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (mut stream, _) = upstream.accept().await;
    drop(client);
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn whoever_leaves_leaves_no_count_and_no_connection() {
    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";
    let stages = [
        (GET, ""),
        (GET, "HTTP/1.1 200 OK\r\nContent-Le"),
        (GET, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        (GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha"),
        (GET, "HTTP/1.1 200 OK\r\n\r\nhalf"),
        (POST, ""),
        (POST, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        (POST, "HTTP/1.1 200 OK\r\n\r\nhalf"),
        // Answered, and not yet sent to the end.
        (POST, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf"),
    ];
    for retries in [false, true] {
        let (upstream, address) = Raw::bind().await;
        let mut backend = BackendOf::http1(&[address]);
        backend.limits.requests = Some(100);
        backend.policy.retries = retries.then(|| on(&["5xx", "reset"], 1));
        let backend = backend.build();
        let proxy = Proxy::start(Routes::all(to(&backend, address.port()))).await;
        for (nth, (request, answer)) in (1..).zip(stages) {
            let mut client = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
            client.write_all(request.as_bytes()).await.unwrap();
            let (mut stream, _) = upstream.accept().await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains("\r\n\r\n") {
                Raw::head(&mut client).await;
            }
            assert_eq!(backend.breakers.active(Limit::Connections), 1);
            drop(client);
            let mut rest = Vec::new();
            let _ = soon(stream.read_to_end(&mut rest)).await;
            let counts = [Limit::Connections, Limit::PendingRequests, Limit::Requests, Limit::Retries];
            until(|| counts.iter().all(|count| backend.breakers.active(*count) == 0)).await;
            let metrics = &backend.metrics;
            until(|| metrics.connections_closed.get() == nth).await;
            assert_eq!((metrics.connects.get(), metrics.connections.get()), (nth, 0), "{request:?} {answer:?}");
        }
    }
}
