//! Requests that are sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::{Limit, LoadBalancing, Policy as Choice};
use backstay_model::Retry;
use backstay_proxy::server::{Limits, Options};
use backstay_upstream::{Backend, Discovery};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;

use crate::support::{
    ANY_PORT, BackendOf, Client, Proxy, Raw, Routes, Upstream, access_log, ask, endpoint, on, socket, to,
};

/// Fails `failures` times, then echoes bodies.
async fn flaky(failures: usize) -> (Upstream, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let upstream = Upstream::http1(move |request: Request<hyper::body::Incoming>| {
        let nth = count.fetch_add(1, SeqCst);
        async move {
            let body = request.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let status = if nth < failures { 503 } else { 200 };
            Response::builder().status(status).body(Full::from(body)).unwrap()
        }
    })
    .await;
    (upstream, asked)
}

fn retried(upstream: &Upstream, retry: Retry) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.policy.retries = Some(retry);
    backend.build()
}

fn idle(backend: &Backend) -> bool {
    [Limit::PendingRequests, Limit::Requests, Limit::Retries].iter().all(|limit| backend.breakers.active(*limit) == 0)
}

fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/").header("host", "test").body(Full::from(body.into())).unwrap()
}

#[tokio::test]
async fn a_body_is_sent_again() {
    let (upstream, asked) = flaky(2).await;
    let backend = retried(&upstream, on(&["5xx"], 2));
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    let answer = client.send(post("all of it")).await;
    assert_eq!((answer.status.as_u16(), answer.text(), asked.load(SeqCst)), (200, "all of it", 3));
    assert!(idle(&backend));
    assert_eq!(upstream.connections(), 1, "a short answer that is not passed on does not cost its connection");
}

#[tokio::test]
async fn what_is_left_after_all_retries_is_passed_on() {
    let (upstream, asked) = flaky(9).await;
    let backend = retried(&upstream, on(&["5xx"], 2));
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let table = Routes::all(to(&backend, upstream.address.port()));
    let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
    let answer = Client::connect(proxy.address).await.send(post("the upstream's own")).await;
    assert_eq!((answer.status.as_u16(), answer.text(), asked.load(SeqCst)), (503, "the upstream's own", 3));
    let line = lines.next();
    assert_eq!((&line["flags"], &line["attempts"]), (&"URX".into(), &3.into()));
}

#[tokio::test]
async fn attempts_are_counted_for_those_who_ask() {
    let upstream = Upstream::http1(|request: Request<hyper::body::Incoming>| async move {
        let count = request.headers().get("x-envoy-attempt-count").cloned();
        let status = if count.as_ref().is_some_and(|count| count == "3") { 200 } else { 503 };
        let count = count.map_or_else(Bytes::new, |count| Bytes::copy_from_slice(count.as_bytes()));
        Response::builder().status(status).body(Full::from(count)).unwrap()
    })
    .await;
    for (counts, attempts, expected) in
        [(true, 2, (200, "3", "3")), (true, 1, (503, "2", "2")), (false, 2, (503, "", ""))]
    {
        let backend = retried(&upstream, Retry { count_attempts: counts, ..on(&["5xx"], attempts) });
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        let request = Request::get("/").header("x-envoy-attempt-count", "7");
        let answer = ask(proxy.address, request).await;
        assert_eq!((answer.status.as_u16(), answer.text(), answer.header("x-envoy-attempt-count")), expected);
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_sent_once() {
    let (upstream, asked) = flaky(1).await;
    let backend = retried(&upstream, on(&["5xx"], 2));
    let limits = Limits { retry_buffer: 1000, ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    assert_eq!(client.send(post(vec![b'a'; 1001])).await.status, 503);
    assert_eq!(asked.load(SeqCst), 1);
    assert_eq!(client.send(post(vec![b'a'; 1000])).await.body.len(), 1000);
}

#[tokio::test]
async fn only_what_the_policy_covers_is_sent_again() {
    let (upstream, asked) = flaky(1).await;
    let backend = retried(&upstream, on(&["connect-failure", "retriable-4xx"], 2));
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 503);
    assert_eq!(asked.load(SeqCst), 1);
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_given_up() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.policy.retries = Some(Retry { per_try_timeout: Some(Duration::from_millis(50)), ..on(&["reset"], 1) });
    let backend = backend.build();
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend, address.port())))).await;
    let (answer, _) = tokio::join!(ask(proxy.address, Request::get("/")), async {
        let (first, _) = upstream.accept().await;
        let (mut second, _) = upstream.accept().await;
        second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        (first, second)
    });
    assert_eq!(answer.status, 200);
    assert_eq!(lines.next()["flags"], "-");
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (504, "upstream request timeout"));
    let line = lines.next();
    assert_eq!((&line["flags"], &line["details"]), (&"URX,UT".into(), &"upstream_per_try_timeout".into()));
    assert!(idle(&backend));
}

#[tokio::test]
async fn connections_that_fail_are_tried_again() {
    let mut backend = BackendOf::http1(&[ANY_PORT]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    backend.policy.retries = Some(on(&["connect-failure"], 3));
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend.build(), port)))).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status, 503);
    let text = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: \
                remote connection failure";
    assert_eq!(answer.text(), text);
    assert_eq!(lines.next()["flags"], "URX,UF");
}

#[tokio::test]
async fn another_endpoint_is_preferred() {
    let bad =
        Upstream::http1(|_| async { Response::builder().status(503).body(Full::<Bytes>::default()).unwrap() }).await;
    let good = Upstream::http1(|_| async { Response::new(Full::from("good")) }).await;
    let mut backend = BackendOf::http1(&[]);
    backend.discovery = Discovery::addresses(vec![endpoint(bad.address), endpoint(good.address)]);
    backend.policy.balancing = Arc::new(LoadBalancing { policy: Choice::Random, ..LoadBalancing::default() });
    backend.policy.retries = Some(Retry { avoid_previous_hosts: true, ..on(&["5xx"], 1) });
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..30 {
        assert_eq!(client.get("/").await.text(), "good");
    }
}

#[tokio::test]
async fn a_stream_that_was_refused_is_sent_again() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let upstream = Upstream::serve(move |stream| {
        let count = Arc::clone(&count);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                if count.fetch_add(1, SeqCst) == 0 {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                } else {
                    respond.send_response(Response::new(()), true).unwrap();
                }
            }
        }
    })
    .await;
    let mut backend = BackendOf::http2(upstream.address);
    backend.policy.retries = Some(on(&["refused-stream"], 1));
    let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
    let answer = Client::connect(proxy.address).await.send(post("not to be repeated without leave")).await;
    assert_eq!((answer.status.as_u16(), refused.load(SeqCst)), (200, 2));
}
