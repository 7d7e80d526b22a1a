//! What is counted of backends: each limit when it is reached, each failure by its cause.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::OutlierDetection;
use backstay_model::{Protocol, Retry, Timeouts};
use backstay_proxy::server::Limits;
use backstay_upstream::Backend;
use backstay_upstream::counts::Count;
use backstay_upstream::tls::{ClientOptions, ClientTls, Trust};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::counts::reaches;
use crate::support::{ANY_PORT, BackendOf, Client, Proxy, Raw, Routes, Upstream, ask, on, raw, to, until};
use crate::tls::{self, Authority};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async fn refused(backend: &Arc<Backend>, port: u16) {
    let proxy = Proxy::start(Routes::all(to(backend, port))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 503);
    assert_eq!((backend.metrics.connect_failures.total(), backend.metrics.requests[4].get()), (1, 1));
}

#[tokio::test]
async fn connections_that_fail() {
    let (listener, address) = Raw::bind().await;
    drop(listener);
    let backend = BackendOf::http1(&[address]).build();
    refused(&backend, address.port()).await;
    assert_eq!((backend.metrics.connect_failures.refused.get(), backend.metrics.attempts.get()), (1, 0));

    let authority = Authority::new();
    let upstream = tls::upstream(authority.sign("svc.example"), &[b"http/1.1"]).await;
    let with = |trust, name: &str, protocol| {
        let config = ClientOptions::trusting(trust).build(protocol).unwrap();
        tls::backend(&upstream, name, ClientTls { config, server_name: None }, protocol)
    };
    let trust = || Trust::Roots(authority.roots());
    let port = upstream.address.port();
    let backend = with(trust(), "other.example", Protocol::Http1);
    refused(&backend, port).await;
    assert_eq!(backend.metrics.connect_failures.name.get(), 1);
    let backend = with(Trust::Roots(Authority::new().roots()), "svc.example", Protocol::Http1);
    refused(&backend, port).await;
    assert_eq!((backend.metrics.connect_failures.certificate.get(), backend.metrics.tls_handshakes.get()), (1, 0));
    // The upstream offers nothing else, and rustls ends the handshake.
    let backend = with(trust(), "svc.example", Protocol::Http2);
    refused(&backend, port).await;
    assert_eq!(backend.metrics.connect_failures.tls.get(), 1);
    let backend = with(trust(), "svc.example", Protocol::Http1);
    let proxy = Proxy::start(Routes::all(to(&backend, port))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    let metrics = &backend.metrics;
    assert_eq!((metrics.tls_handshakes.get(), metrics.connects.get(), metrics.connections.get()), (1, 1, 1));
    drop(upstream);
}

#[tokio::test]
async fn a_connection_takes_too_long_or_leads_to_something_else() {
    let silent = tokio::net::TcpListener::bind(ANY_PORT).await.unwrap();
    let address = silent.local_addr().unwrap();
    let mut backend = BackendOf::http1(&[address]);
    let config = ClientOptions::trusting(Trust::Anyone).build(Protocol::Http1).unwrap();
    backend.tls = Some(ClientTls { config, server_name: None });
    backend.timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
    let backend = backend.build();
    refused(&backend, address.port()).await;
    assert_eq!(backend.metrics.connect_failures.timeout.get(), 1);

    // TLS, but not the protocol that was asked for.
    let upstream = tls::upstream(Authority::new().sign("svc.example"), &[]).await;
    let config = ClientOptions::trusting(Trust::Anyone).build(Protocol::Http2).unwrap();
    let tls = ClientTls { config, server_name: None };
    let backend = tls::backend(&upstream, "svc.example", tls, Protocol::Http2);
    refused(&backend, upstream.address.port()).await;
    assert_eq!(backend.metrics.connect_failures.protocol.get(), 1);
}

#[tokio::test]
async fn answers_that_the_endpoint_ends() {
    for (sent, causes) in [
        (&b""[..], [0, 1, 0]),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", [0, 1, 0]),
        (b"nonsense\r\n\r\n", [0, 0, 1]),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", [0, 0, 1]),
    ] {
        let upstream = Upstream::serve(move |mut stream| async move {
            Raw::head(&mut stream).await;
            let _ = stream.write_all(sent).await;
        })
        .await;
        let backend = BackendOf::http1(&[upstream.address]).build();
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let metrics = &backend.metrics;
        until(|| metrics.connections_closed.get() == 1).await;
        let resets = &metrics.resets;
        let counted = [resets.stream.get(), resets.connection.get(), resets.protocol.get()];
        assert_eq!(counted, causes, "{:?}", String::from_utf8_lossy(sent));
        assert_eq!((metrics.attempts.get(), metrics.connects.get(), metrics.connections.get()), (1, 1, 0));
    }
    let upstream = Upstream::serve(|stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
        }
    })
    .await;
    let backend = BackendOf::http2(upstream.address).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 503);
    assert_eq!((backend.metrics.resets.stream.get(), backend.metrics.resets.connection.get()), (1, 0));
}

#[tokio::test]
async fn times_that_pass() {
    let short = Some(Duration::from_millis(50));
    let (upstream, address) = Raw::bind().await;
    let port = address.port();
    let backend = BackendOf::http1(&[address]).build();
    let mut forward = to(&backend, port);
    forward.request_timeout = short;
    let proxy = Proxy::start(Routes::all(forward)).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 504);
    let timeouts = |backend: &Backend| {
        let timeouts = &backend.metrics.timeouts;
        [&timeouts.total, &timeouts.per_try, &timeouts.first_byte, &timeouts.between_bytes].map(Count::get)
    };
    assert_eq!(timeouts(&backend), [1, 0, 0, 0]);

    let mut backend = BackendOf::http1(&[address]);
    backend.policy.retries = Some(Retry { per_try_timeout: short, ..on(&["5xx"], 1) });
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, port))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 504);
    assert_eq!(timeouts(&backend), [0, 2, 0, 0], "one for each try");
    assert_eq!((backend.metrics.attempts.get(), backend.metrics.retries.exhausted.get()), (2, 1));

    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { first_byte: short, between_bytes: short, ..Timeouts::default() };
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, port))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 504);
    assert_eq!(timeouts(&backend), [0, 0, 1, 0]);
    // Those of the attempts before wait to be accepted as well.
    drop(upstream);
    let upstream = Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        let _ = stream.read_u8().await;
    })
    .await;
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    raw(proxy.address, GET).await;
    assert_eq!(timeouts(&backend), [0, 0, 1, 1]);
}

#[tokio::test]
async fn requests_that_are_sent_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let upstream = Upstream::http1(move |request: Request<hyper::body::Incoming>| {
        let nth = asked.fetch_add(1, SeqCst);
        async move {
            let _ = request.collect().await;
            Response::builder().status(if nth == 1 { 200 } else { 503 }).body(Full::<Bytes>::default()).unwrap()
        }
    })
    .await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.policy.retries = Some(on(&["5xx"], 1));
    let backend = backend.build();
    let limits = Limits { retry_buffer: 10, ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend, upstream.address.port()))).await;
    let retries = &backend.metrics.retries;
    let counts =
        || [&retries.policy, &retries.successes, &retries.exhausted, &retries.buffer_overflows].map(Count::get);
    let post = |size| Request::post("/").header("host", "a").body(Full::from(vec![0_u8; size])).unwrap();
    for (size, status, expected) in [(10, 200, [1, 1, 0, 0]), (10, 503, [2, 1, 1, 0]), (11, 503, [2, 1, 1, 1])] {
        let answer = Client::connect(proxy.address).await.send(post(size)).await;
        assert_eq!((answer.status.as_u16(), counts()), (status, expected));
    }
    assert_eq!((backend.metrics.attempts.get(), retries.closed_connection.get()), (5, 0));
}

#[tokio::test]
async fn waits_that_are_too_long() {
    let upstream = Upstream::http1(|_| async {
        Response::builder().status(503).header("retry-after", "3600").body(Full::<Bytes>::default()).unwrap()
    })
    .await;
    for longest in [None, Some(Duration::from_secs(1))] {
        let mut backend = BackendOf::http1(&[upstream.address]);
        let mut retry = on(&["5xx"], 2);
        retry.policy.max_retry_after = longest;
        backend.policy.retries = Some(retry);
        let backend = backend.build();
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 503);
        let expected = if longest.is_some() { 2 } else { 0 };
        assert_eq!(backend.metrics.retries.long_waits.get(), expected, "the last is not waited for");
    }
}

#[tokio::test]
async fn connections_that_a_setting_ends() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::<Bytes>::from("ok")) }).await;
    let get = async |backend: BackendOf, limits: Limits, times: usize| {
        let backend = backend.build();
        let limits = Limits { idle_timeout: Duration::from_millis(200), ..limits };
        let proxy = Proxy::limited(limits, Routes::all(to(&backend, upstream.address.port()))).await;
        let mut client = Client::connect(proxy.address).await;
        for _ in 0..times {
            assert_eq!(client.get("/").await.text(), "ok");
        }
        (backend, proxy)
    };
    let plain = || BackendOf::http1(&[upstream.address]);
    let mut backend = plain();
    backend.policy.connections.max_requests = NonZeroU32::new(1);
    let (backend, _proxy) = get(backend, Limits::default(), 2).await;
    reaches(&backend.metrics.connections_retired.max_requests, 2).await;

    let mut backend = plain();
    backend.policy.connections.max_lifetime = Some(Duration::from_millis(1));
    let (backend, _proxy) = get(backend, Limits::default(), 1).await;
    reaches(&backend.metrics.connections_retired.max_lifetime, 1).await;

    let mut backend = plain();
    backend.timeouts.idle = Duration::from_millis(50);
    let (backend, _proxy) = get(backend, Limits::default(), 1).await;
    reaches(&backend.metrics.connections_retired.idle, 1).await;
    reaches(&backend.metrics.connections_closed, 1).await;

    let (backend, _proxy) = get(plain(), Limits { max_idle_upstream: 0, ..Limits::default() }, 2).await;
    reaches(&backend.metrics.connections_retired.max_idle, 2).await;
    assert_eq!(backend.metrics.connects.get(), 2);
}

#[tokio::test]
async fn streams_that_upstream_connections_are_full_of() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let held = Arc::clone(&gate);
    let upstream = Upstream::http2(move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            Response::new(Full::<Bytes>::default())
        }
    })
    .await;
    let mut backend = BackendOf::http2(upstream.address);
    backend.policy.connections.max_streams = NonZeroU32::new(1);
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let one = tokio::spawn(ask(proxy.address, Request::get("/")));
    until(|| backend.metrics.attempts.get() == 1).await;
    assert_eq!(backend.metrics.streams_full.get(), 0);
    let two = tokio::spawn(ask(proxy.address, Request::get("/")));
    until(|| backend.metrics.attempts.get() == 2).await;
    assert_eq!((backend.metrics.streams_full.get(), backend.metrics.connects.get()), (1, 2));
    gate.add_permits(2);
    assert_eq!((one.await.unwrap().status.as_u16(), two.await.unwrap().status.as_u16()), (200, 200));
}

#[tokio::test]
async fn endpoints_that_are_ejected_or_are_not_there() {
    let upstream =
        Upstream::http1(|_| async { Response::builder().status(500).body(Full::<Bytes>::default()).unwrap() }).await;
    let ejecting = |percent| {
        let mut backend = BackendOf::http1(&[upstream.address]);
        let max_ejection_percent = percent;
        backend.policy.outlier =
            Some(OutlierDetection { consecutive_5xx: 2, max_ejection_percent, ..OutlierDetection::default() });
        backend.build()
    };
    for (percent, ejections, withheld) in [(100, 1, 0), (0, 0, 1)] {
        let backend = ejecting(percent);
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        let mut client = Client::connect(proxy.address).await;
        for _ in 0..3 {
            assert_eq!(client.get("/").await.status, 500);
        }
        let metrics = &backend.metrics;
        assert_eq!((metrics.ejections[0].get(), metrics.ejections_withheld.get()), (ejections, withheld));
        assert_eq!(metrics.panics.get(), ejections, "then there is nobody else");
    }
    let backend = BackendOf::http1(&[]).build();
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "no healthy upstream");
    backend.set_endpoints(vec![backstay_upstream::Endpoint::ip(upstream.address.ip())]);
    assert_eq!((backend.metrics.no_endpoint.get(), backend.metrics.membership_changes.get()), (1, 1));
}
