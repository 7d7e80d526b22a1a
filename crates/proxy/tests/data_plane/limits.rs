//! Limits of a backend.

use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::Limit;
use backstay_upstream::Backend;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{Answer, BackendOf, Client, Proxy, Raw, Routes, Upstream, ask, to, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn waiting(backend: &Backend) -> u32 {
    backend.breakers.active(Limit::PendingRequests)
}

/// One connection, `pending` requests that may wait for it. The first request holds the connection.
async fn one_connection(pending: u32) -> (Raw, Arc<Backend>, Proxy, TcpStream, tokio::task::JoinHandle<Answer>) {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.limits.connections = Some(1);
    backend.limits.pending_requests = Some(pending);
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, address.port()))).await;
    let first = tokio::spawn(ask(proxy.address, Request::get("/first")));
    let (stream, _) = upstream.accept().await;
    (upstream, backend, proxy, stream, first)
}

#[tokio::test]
async fn requests_wait_for_a_connection_up_to_a_limit() {
    let (_upstream, backend, proxy, mut stream, first) = one_connection(1).await;
    let second = tokio::spawn(ask(proxy.address, Request::get("/second")));
    until(|| waiting(&backend) == 1).await;
    let third = ask(proxy.address, Request::get("/third")).await;
    assert_eq!(
        (third.status.as_u16(), third.text(), third.header("x-envoy-overloaded")),
        (503, "upstream connect error or disconnect/reset before headers. reset reason: overflow", "true")
    );
    stream.write_all(OK).await.unwrap();
    assert_eq!(first.await.unwrap().text(), "ok");
    assert!(Raw::head(&mut stream).await.starts_with("GET /second "), "on the same connection");
    stream.write_all(OK).await.unwrap();
    assert_eq!(second.await.unwrap().text(), "ok");
    until(|| waiting(&backend) == 0).await;
    assert_eq!(backend.breakers.overflows(Limit::PendingRequests), 1);
    assert_eq!(backend.breakers.active(Limit::Connections), 1);
    drop(stream);
    until(|| backend.breakers.active(Limit::Connections) == 0).await;
}

#[tokio::test]
async fn who_leaves_waits_no_longer() {
    let (_upstream, backend, proxy, mut stream, first) = one_connection(2).await;
    let gone = tokio::spawn(ask(proxy.address, Request::get("/gone")));
    until(|| waiting(&backend) == 1).await;
    let stays = tokio::spawn(ask(proxy.address, Request::get("/stays")));
    until(|| waiting(&backend) == 2).await;
    gone.abort();
    until(|| waiting(&backend) == 1).await;
    stream.write_all(OK).await.unwrap();
    assert_eq!(first.await.unwrap().status, 200);
    assert!(Raw::head(&mut stream).await.starts_with("GET /stays "));
    stream.write_all(OK).await.unwrap();
    assert_eq!(stays.await.unwrap().status, 200);
    until(|| waiting(&backend) == 0).await;
}

#[tokio::test]
async fn a_connection_that_is_lost_makes_room_for_another() {
    let (upstream, backend, proxy, stream, first) = one_connection(1).await;
    let second = tokio::spawn(ask(proxy.address, Request::get("/second")));
    until(|| waiting(&backend) == 1).await;
    // Nothing is left to repeat the first with: it has no kept connection.
    drop(stream);
    assert_eq!(first.await.unwrap().status, 503);
    let (mut stream, head) = upstream.accept().await;
    assert!(head.starts_with("GET /second "));
    stream.write_all(OK).await.unwrap();
    assert_eq!(second.await.unwrap().status, 200);
    until(|| waiting(&backend) == 0).await;
}

#[tokio::test]
async fn requests_are_limited() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.limits.requests = Some(1);
    let backend = backend.build();
    let mut forward = to(&backend, address.port());
    forward.request_timeout = Some(Duration::from_millis(300));
    let proxy = Proxy::start(Routes::all(forward)).await;
    let first = tokio::spawn(ask(proxy.address, Request::get("/")));
    let (_stream, _) = upstream.accept().await;
    let second = ask(proxy.address, Request::get("/")).await;
    assert_eq!((second.status.as_u16(), second.header("x-envoy-overloaded")), (503, "true"));
    assert_eq!(first.await.unwrap().status, 504);
    until(|| backend.breakers.active(Limit::Requests) == 0).await;
    let third = tokio::spawn(ask(proxy.address, Request::get("/")));
    // The second one left a connection behind that it did not use.
    let (mut stream, _) = upstream.accept().await;
    stream.write_all(OK).await.unwrap();
    assert_eq!(third.await.unwrap().status, 200);
}

#[tokio::test]
async fn streams_are_waited_for_as_connections_are() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let upstream = Upstream::http2(move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            Response::new(Full::from("ok"))
        }
    })
    .await;
    let mut backend = BackendOf::http2(upstream.address);
    backend.limits.connections = Some(1);
    backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let requests: Vec<_> = (0..3).map(|_| tokio::spawn(ask(proxy.address, Request::get("/")))).collect();
    until(|| waiting(&backend) == 2).await;
    gate.add_permits(3);
    for request in requests {
        assert_eq!(request.await.unwrap().text(), "ok");
    }
    assert_eq!((waiting(&backend), upstream.connections()), (0, 1));
}

#[tokio::test]
async fn a_connection_carries_so_many_requests() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::from("ok")) }).await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.policy.connections.max_requests = std::num::NonZeroU32::new(2);
    let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..6 {
        assert_eq!(client.get("/").await.text(), "ok");
    }
    assert_eq!(upstream.connections(), 3);
}
