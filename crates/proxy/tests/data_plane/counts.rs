//! What is counted of clients: each limit when it is reached, each failure by its cause.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use backstay_proxy::config::{Action, Filters, Mirror};
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::route::{Matcher, Table};
use backstay_proxy::server::{Limits, Options};
use backstay_upstream::counts::Count;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{
    ANY_PORT, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, echo, raw, socket, soon, text, to, until,
};

/// A proxy and what it counts beside its backends.
async fn counted(limits: Limits, table: Table) -> (Proxy, Arc<ServerMetrics>) {
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { limits, metrics: Arc::clone(&metrics), ..Options::default() };
    (Proxy::with(options, socket(ANY_PORT, table)).await, metrics)
}

fn says(body: &'static str) -> Table {
    Routes::default().rule("", Matcher::prefix("/"), Filters::default(), text(200, body)).build()
}

pub(crate) async fn reaches(count: &Count, number: u64) {
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
    let filters = Filters { mirrors: vec![mirror], ..Filters::default() };
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
    raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n").await;
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
