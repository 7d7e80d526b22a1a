//! What is counted: each limit when it is reached, each failure by its cause.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_balancer::{OutlierDetection, RetryPolicy};
use backstay_proxy::config::{
    Action, Backend, ClientOptions, ClientTls, Filters, Mirror, Protocol, Retry, Timeouts, Trust,
};
use backstay_proxy::metrics::{Count, ServerMetrics};
use backstay_proxy::route::{Matcher, Table};
use backstay_proxy::server::{Limits, Options};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    ANY_PORT, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, echo, raw, socket, soon, text, to, until,
};
use crate::tls::{self, Authority};

/// A proxy and what it counts beside its backends.
async fn counted(limits: Limits, table: Table) -> (Proxy, Arc<ServerMetrics>) {
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { limits, metrics: Arc::clone(&metrics), ..Options::default() };
    (Proxy::with(options, socket(ANY_PORT, table)).await, metrics)
}

fn says(body: &'static str) -> Table {
    Routes::default().rule("", Matcher::prefix("/"), Filters::default(), text(200, body)).build()
}

async fn reaches(count: &Count, number: u64) {
    until(|| count.get() >= number).await;
    assert_eq!(count.get(), number);
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn connections_that_are_refused_or_cut() {
    let (proxy, metrics) = counted(Limits { max_connections: 1, ..Limits::default() }, says("x")).await;
    let _one = TcpStream::connect(proxy.address).await.unwrap();
    until(|| metrics.connections.get() == 1).await;
    assert_eq!(raw(proxy.address, GET).await, "");
    assert_eq!((metrics.accepted.get(), metrics.connections_refused.get()), (1, 1));

    let short = Duration::from_millis(50);
    let (proxy, metrics) = counted(Limits { header_timeout: short, ..Limits::default() }, says("x")).await;
    raw(proxy.address, "G").await;
    reaches(&metrics.header_timeouts, 1).await;

    let (_upstream, address) = Raw::bind().await;
    let limits = Limits { stream_idle_timeout: short, ..Limits::default() };
    let (proxy, metrics) = counted(limits, Routes::to(address)).await;
    raw(proxy.address, GET).await;
    reaches(&metrics.stream_idle_timeouts, 1).await;

    let (proxy, metrics) = counted(Limits { idle_timeout: short, ..Limits::default() }, says("x")).await;
    assert!(raw(proxy.address, GET).await.ends_with("\r\n\r\nx"));
    reaches(&metrics.idle_timeouts, 1).await;
    raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n").await;
    reaches(&metrics.protocol_errors, 1).await;
    until(|| metrics.connections.get() == 0).await;
    assert_eq!((metrics.accepted.get(), metrics.heads_too_large.get(), metrics.header_timeouts.get()), (2, 0, 0));
}

#[tokio::test]
async fn heads_that_are_too_large_or_no_heads() {
    let limits = Limits { max_head_size: 8 << 10, max_headers: 10, ..Limits::default() };
    let (proxy, metrics) = counted(limits, says("x")).await;
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(9 << 10));
    assert!(raw(proxy.address, long).await.starts_with("HTTP/1.1 431 "));
    reaches(&metrics.heads_too_large, 1).await;
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(10));
    assert!(raw(proxy.address, many).await.starts_with("HTTP/1.1 431 "));
    reaches(&metrics.heads_too_large, 2).await;

    let mut client = H2Client::connect(proxy.address).await;
    let mut send = async |headers: usize, size: usize| {
        let mut request = Request::get("http://a/");
        for _ in 0..headers {
            request = request.header("x", "y".repeat(size));
        }
        let request = request.body(Full::default().boxed()).unwrap();
        client.begin(request).await.unwrap().status().as_u16()
    };
    assert_eq!(send(10, 1).await, 200);
    assert_eq!(send(11, 1).await, 431);
    assert_eq!(send(1, 8 << 10).await, 431);
    assert_eq!(send(1, 7 << 10).await, 200, "the connection goes on");
    assert_eq!((metrics.heads_too_large.get(), metrics.protocol_errors.get()), (4, 0));
    raw(proxy.address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame at all").await;
    reaches(&metrics.protocol_errors, 1).await;
}

#[tokio::test]
async fn log_lines_that_nobody_writes_and_streams_that_a_connection_is_full_of() {
    let (upstream, address) = Raw::bind().await;
    // The reading side takes nothing.
    let (log, _records) = backstay_proxy::access::channel(1);
    let metrics = Arc::<ServerMetrics>::default();
    let limits = Limits { max_streams: 2, ..Limits::default() };
    let options = Options { limits, metrics: Arc::clone(&metrics), access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(address))).await;
    let client = H2Client::connect(proxy.address).await;
    let ask = || {
        let mut client = client.clone();
        tokio::spawn(async move { client.get("http://a/").await.status })
    };
    let mut under_way = Vec::new();
    for full in [0, 1] {
        let asked = ask();
        under_way.push((upstream.accept().await.0, asked));
        assert_eq!(metrics.streams_full.get(), full);
    }
    for (mut stream, asked) in under_way {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        assert_eq!(soon(asked).await.unwrap(), 200);
    }
    reaches(&metrics.log_lines_dropped, 1).await;
}

fn mirrored(main: &Upstream, mirror: std::net::SocketAddr) -> Table {
    let mirror = Mirror {
        backend: BackendOf::http1(&[mirror]).build(),
        port: NonZeroU16::new(mirror.port()),
        numerator: 1,
        denominator: NonZeroU32::new(1).unwrap(),
    };
    let filters = Filters { mirrors: Box::new([mirror]), ..Filters::default() };
    let forward = to(&BackendOf::http1(&[main.address]).build(), main.address.port());
    Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build()
}

#[tokio::test]
async fn copies_that_come_to_nothing() {
    let main = Upstream::http1(echo).await;
    let (silent, address) = Raw::bind().await;
    let table = || mirrored(&main, address);
    let (proxy, metrics) = counted(Limits { max_mirrors: 0, ..Limits::default() }, table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    assert_eq!(metrics.mirrors_dropped.max_mirrors.get(), 1);

    let (proxy, metrics) = counted(Limits { mirror_buffer: 10, ..Limits::default() }, table()).await;
    let dropped = &metrics.mirrors_dropped;
    raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n").await;
    reaches(&dropped.upgrade, 1).await;
    let body = Full::from(Bytes::from(vec![0; 1_000_000]));
    let request = Request::post("/").header("host", "a").body(body).unwrap();
    assert_eq!(Client::connect(proxy.address).await.send(request).await.status, 200);
    reaches(&dropped.buffer, 1).await;
    drop(silent);
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    reaches(&dropped.failed, 1).await;
    assert_eq!((dropped.buffer.get(), dropped.timeout.get(), dropped.max_mirrors.get()), (1, 0, 0));
}

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

fn on(conditions: &[&str], attempts: u32) -> Retry {
    let policy = RetryPolicy {
        on: RetryPolicy::conditions(conditions.iter().copied()).unwrap(),
        attempts,
        back_off_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    Retry { policy, per_try_timeout: None, per_try_idle_timeout: None, avoid_previous_hosts: false }
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
    backend.set_endpoints(vec![backstay_proxy::config::Endpoint::ip(upstream.address.ip())]);
    assert_eq!((backend.metrics.no_endpoint.get(), backend.metrics.membership_changes.get()), (1, 1));
}
