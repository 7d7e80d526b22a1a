//! Connections to one endpoint are limited.

use std::sync::Arc;

use backstay_balancer::Limit;
use backstay_upstream::{Backend, Discovery};
use http::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::{Answer, BackendOf, Proxy, Raw, Routes, ask, endpoint, soon, to, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Two endpoints with one connection each. Requests take turns, so that every second one goes to the same.
struct Two {
    backend: Arc<Backend>,
    proxy: Proxy,
    /// The endpoint whose turn the first request was.
    odd: Raw,
    even: Raw,
}

impl Two {
    /// With the first request, and the connection on which it waits for its answer.
    async fn start(pending: u32) -> (Self, JoinHandle<Answer>, TcpStream) {
        let ((one, first), (two, second)) = (Raw::bind().await, Raw::bind().await);
        let mut backend = BackendOf::http1(&[]);
        backend.discovery = Discovery::addresses(vec![endpoint(first), endpoint(second)]);
        backend.limits.connections_per_endpoint = Some(1);
        backend.limits.pending_requests = Some(pending);
        let backend = backend.build();
        let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
        let asked = tokio::spawn(ask(proxy.address, Request::get("/1")));
        let ((stream, _), odd, even) = soon(async {
            tokio::select! {
                accepted = one.accept() => (accepted, one, two),
                accepted = two.accept() => (accepted, two, one),
            }
        })
        .await;
        (Self { backend, proxy, odd, even }, asked, stream)
    }

    fn ask(&self, path: &str) -> JoinHandle<Answer> {
        tokio::spawn(ask(self.proxy.address, Request::get(path)))
    }

    fn waiting(&self) -> u32 {
        self.backend.breakers.active(Limit::PendingRequests)
    }

    /// Connections to either endpoint, as they are counted.
    fn connections(&self) -> (u32, u32) {
        let Discovery::Addresses(list) = &self.backend.discovery else { unreachable!() };
        let list = list.load();
        let of = |raw: &Raw| {
            let address = raw.0.local_addr().unwrap();
            let at = list.iter().position(|known| *known == endpoint(address)).unwrap();
            list.set().state(at).unwrap().connections()
        };
        (of(&self.odd), of(&self.even))
    }
}

async fn answer(stream: &mut TcpStream, asked: JoinHandle<Answer>) {
    stream.write_all(OK).await.unwrap();
    assert_eq!(soon(asked).await.unwrap().text(), "ok");
}

#[tokio::test]
async fn a_request_waits_for_the_connection_of_its_endpoint_and_the_other_is_served() {
    let (two, first, mut odd) = Two::start(10).await;
    let second = two.ask("/2");
    let (mut even, _) = two.even.accept().await;
    answer(&mut even, second).await;
    let third = two.ask("/3");
    until(|| two.waiting() == 1 && two.backend.breakers.overflows(Limit::EndpointConnections) == 1).await;
    let fourth = two.ask("/4");
    assert!(Raw::head(&mut even).await.starts_with("GET /4 "));
    answer(&mut even, fourth).await;
    assert_eq!((two.waiting(), two.connections()), (1, (1, 1)));

    answer(&mut odd, first).await;
    assert!(Raw::head(&mut odd).await.starts_with("GET /3 "), "on the same connection");
    answer(&mut odd, third).await;
    until(|| two.waiting() == 0).await;
    assert_eq!(two.connections(), (1, 1));
}

#[tokio::test]
async fn what_may_not_even_wait_is_refused_and_the_other_is_served() {
    let (two, first, mut odd) = Two::start(1).await;
    let second = two.ask("/2");
    let (mut even, _) = two.even.accept().await;
    answer(&mut even, second).await;
    let third = two.ask("/3");
    until(|| two.waiting() == 1).await;
    let fourth = two.ask("/4");
    Raw::head(&mut even).await;
    answer(&mut even, fourth).await;
    let fifth = soon(two.ask("/5")).await.unwrap();
    assert_eq!(
        (fifth.status.as_u16(), fifth.text(), fifth.header("x-envoy-overloaded")),
        (503, "upstream connect error or disconnect/reset before headers. reset reason: overflow", "true")
    );
    let sixth = two.ask("/6");
    Raw::head(&mut even).await;
    answer(&mut even, sixth).await;
    answer(&mut odd, first).await;
    Raw::head(&mut odd).await;
    answer(&mut odd, third).await;
}

#[tokio::test]
async fn who_leaves_makes_room() {
    let (two, first, _odd) = Two::start(10).await;
    let second = two.ask("/2");
    let (mut even, _) = two.even.accept().await;
    answer(&mut even, second).await;
    let third = two.ask("/3");
    until(|| two.waiting() == 1).await;
    third.abort();
    until(|| two.waiting() == 0).await;
    first.abort();
    until(|| two.connections() == (0, 1)).await;
    let fourth = two.ask("/4");
    Raw::head(&mut even).await;
    answer(&mut even, fourth).await;
    let fifth = two.ask("/5");
    let (mut odd, head) = two.odd.accept().await;
    assert!(head.starts_with("GET /5 "), "{head}");
    answer(&mut odd, fifth).await;
    drop((odd, even));
    until(|| two.connections() == (0, 0)).await;
    assert_eq!(two.backend.breakers.active(Limit::Connections), 0);
}
