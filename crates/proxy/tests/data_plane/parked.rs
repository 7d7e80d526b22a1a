//! Connections that clients leave idle give up their buffers, and nobody notices.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{HostPattern, TlsTerms};
use backstay_proxy::config::Socket;
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::server::{Limits, Options};
use backstay_proxy::tls::{ServerNames, server_config};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::counts::reaches;
use crate::support::{ANY_PORT, Proxy, Raw, Routes, Upstream, echo, socket, soon, until};
use crate::tls::{Authority, connect};

/// Looks at its connections four times a second.
fn limits() -> Limits {
    Limits { header_timeout: Duration::from_secs(2), ..Limits::default() }
}

async fn counted(limits: Limits, upstream: &Upstream) -> (Proxy, Arc<ServerMetrics>) {
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { limits, metrics: Arc::clone(&metrics), ..Options::default() };
    (Proxy::with(options, socket(ANY_PORT, Routes::to(upstream.address))).await, metrics)
}

/// A connection that has carried a request.
async fn used(proxy: &Proxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    request(&mut stream, "/first").await;
    stream
}

async fn request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
    answer(stream, path).await;
}

/// Reads an answer that the upstream has made of a request for `path`.
async fn answer(stream: &mut (impl AsyncRead + Unpin), path: &str) {
    let body = read_answer(stream).await;
    assert!(body.starts_with(&format!("GET {path} ")), "{body}");
}

async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let head = Raw::head(stream).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    soon(stream.read_exact(&mut body)).await.unwrap();
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_connection_that_rests_serves_on() {
    let upstream = Upstream::http1(echo).await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    let mut stream = used(&proxy).await;
    for round in 0..2 {
        until(|| metrics.parked.get() == 1).await;
        request(&mut stream, &format!("/{round}")).await;
        assert_eq!(metrics.parked.get(), 0);
    }
    // In pieces, the first of which end the rest; and longer than what is read at once.
    until(|| metrics.parked.get() == 1).await;
    stream.write_all(b"GE").await.unwrap();
    until(|| metrics.parked.get() == 0).await;
    let rest = format!("T /long HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(5000));
    stream.write_all(rest.as_bytes()).await.unwrap();
    answer(&mut stream, "/long").await;
    // Two at once.
    until(|| metrics.parked.get() == 1).await;
    let both = ["/1", "/2"].map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    stream.write_all(both.as_bytes()).await.unwrap();
    answer(&mut stream, "/1").await;
    answer(&mut stream, "/2").await;
    assert_eq!((metrics.accepted.get(), metrics.connections.get()), (1, 1));
}

#[tokio::test]
async fn a_connection_over_tls_rests_too() {
    let authority = Authority::new();
    let upstream = Upstream::http1(echo).await;
    let mut names = ServerNames::default();
    names.insert(HostPattern::Any, authority.sign("one.example"));
    let (tls, table) = (Some(server_config(names, &TlsTerms::default()).unwrap()), Routes::to(upstream.address));
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { limits: limits(), metrics: Arc::clone(&metrics), ..Options::default() };
    let socket = Socket { address: ANY_PORT, listeners: vec![], tls, limits: None, table };
    let proxy = Proxy::with(options, Arc::new(socket)).await;
    let mut stream = connect(&proxy, &authority, "one.example", &[]).await.unwrap();
    for path in ["/0", "/1"] {
        request(&mut stream, path).await;
        until(|| metrics.parked.get() == 1).await;
    }
    // One record, of which the end of the rest takes the first part only: what follows is in no socket.
    let long = |path| format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(2000));
    stream.write_all(["/2", "/3"].map(long).concat().as_bytes()).await.unwrap();
    answer(&mut stream, "/2").await;
    answer(&mut stream, "/3").await;
    until(|| metrics.parked.get() == 1).await;
    // The end is answered in kind.
    stream.shutdown().await.unwrap();
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
    until(|| metrics.connections.get() == 0).await;
    assert_eq!(metrics.parked.get(), 0);

    // A client that breaks off says nothing of the kind.
    let mut stream = connect(&proxy, &authority, "one.example", &[]).await.unwrap();
    request(&mut stream, "/").await;
    until(|| metrics.parked.get() == 1).await;
    drop(stream.into_inner().0);
    until(|| metrics.connections.get() == 0).await;
    assert_eq!(metrics.parked.get(), 0);
}

#[tokio::test]
async fn what_a_client_has_begun_keeps_its_connection_awake() {
    let upstream = Upstream::http1(echo).await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    // Half of the next request came with this one.
    let mut begun = TcpStream::connect(proxy.address).await.unwrap();
    begun.write_all(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHo").await.unwrap();
    answer(&mut begun, "/1").await;
    // By the time that this one rests, the other has been looked at as often.
    let _idle = used(&proxy).await;
    until(|| metrics.parked.get() == 1).await;
    begun.write_all(b"st: a\r\n\r\n").await.unwrap();
    answer(&mut begun, "/2").await;
    until(|| metrics.parked.get() == 2).await;
}

#[tokio::test]
async fn a_body_that_still_comes_keeps_its_connection_awake() {
    // Answers before it has read.
    let upstream = Upstream::serve(|mut stream| async move {
        while !Raw::head(&mut stream).await.is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nGET /1 ").await.unwrap();
            let mut body = [0; 6];
            if stream.read_exact(&mut body).await.is_err() {
                return;
            }
        }
    })
    .await;
    // Sooner than the proxy gives the rest of the body up.
    let often = Limits { header_timeout: Duration::from_millis(400), ..Limits::default() };
    let (proxy, metrics) = counted(often, &upstream).await;
    let mut begun = TcpStream::connect(proxy.address).await.unwrap();
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nGET";
    begun.write_all(post).await.unwrap();
    answer(&mut begun, "/1").await;
    let mut idle = TcpStream::connect(proxy.address).await.unwrap();
    idle.write_all(&[post, b" / ".as_slice()].concat()).await.unwrap();
    answer(&mut idle, "/1").await;
    until(|| metrics.parked.get() == 1).await;
    // Taken for a request, these would be refused.
    begun.write_all(b" / ").await.unwrap();
    begun.write_all(&[post, b" / ".as_slice()].concat()).await.unwrap();
    answer(&mut begun, "/1").await;
    until(|| metrics.parked.get() == 2).await;
}

#[tokio::test]
async fn an_answer_that_still_leaves_keeps_its_connection_awake() {
    let upstream = Upstream::http1(|request: Request<Incoming>| async move {
        let length = request.uri().path()[1..].parse().unwrap_or(0);
        Response::new(Full::new(Bytes::from(vec![b'x'; length])))
    })
    .await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    // Some are all with the system when the proxy looks, some are not.
    let mut clients = Vec::new();
    for length in (1..=72).map(|step| step * (64 << 10)) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(proxy.address).await.unwrap();
        stream.write_all(format!("GET /{length} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
        clients.push((stream, length));
    }
    for (stream, _) in &mut clients {
        Raw::head(stream).await;
    }
    let mut idle = TcpStream::connect(proxy.address).await.unwrap();
    idle.write_all(b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    Raw::head(&mut idle).await;
    // No answer has been read, and the last to be asked has gone to rest.
    let rests = || metrics.parked.get();
    until(|| rests() > 0).await;
    for (mut stream, length) in clients {
        let mut body = vec![0; length];
        soon(stream.read_exact(&mut body)).await.unwrap();
        assert!(body.iter().all(|byte| *byte == b'x'));
        stream.write_all(b"GET /0 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let head = Raw::head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 ") && !head.contains("close"), "{length}: {head}");
    }
}

#[tokio::test]
async fn empty_lines_between_requests_begin_none() {
    let upstream = Upstream::http1(echo).await;
    let often = Limits { header_timeout: Duration::from_millis(400), ..Limits::default() };
    let (proxy, metrics) = counted(often, &upstream).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\n").await.unwrap();
    answer(&mut stream, "/1").await;
    until(|| metrics.parked.get() == 1).await;
    request(&mut stream, "/2").await;
    assert_eq!((metrics.accepted.get(), metrics.header_timeouts.get()), (1, 0));
}

#[tokio::test]
async fn what_comes_after_a_rest_may_be_anything() {
    let upstream = Upstream::http1(echo).await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    let rests = || until(|| metrics.parked.get() == 1);
    let mut stream = used(&proxy).await;
    rests().await;
    // A client that waits to be asked for its body.
    let head = b"POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert_eq!(Raw::head(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.unwrap();
    let text = read_answer(&mut stream).await;
    assert!(text.starts_with("POST /1 ") && text.ends_with("\n\nabc"), "{text}");
    rests().await;
    // An older client that asks to go on.
    stream.write_all(b"GET /2 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").await.unwrap();
    let head = Raw::head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.0 200 ") && head.contains("\r\nconnection: keep-alive\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    soon(stream.read_exact(&mut vec![0; length])).await.unwrap();
    rests().await;
    // No HTTP.
    stream.write_all(b"\0\0\0\0\r\n\r\n").await.unwrap();
    let mut read = String::new();
    soon(stream.read_to_string(&mut read)).await.unwrap();
    assert!(read.starts_with("HTTP/1.1 400 "), "{read}");
    reaches(&metrics.protocol_errors, 1).await;
    until(|| metrics.connections.get() == 0).await;
}

#[tokio::test]
async fn timeouts_count_for_connections_that_rest() {
    let upstream = Upstream::http1(echo).await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    let mut stream = used(&proxy).await;
    until(|| metrics.parked.get() == 1).await;
    stream.write_all(b"GET / HT").await.unwrap();
    let mut read = String::new();
    soon(stream.read_to_string(&mut read)).await.unwrap();
    assert!(read.starts_with("HTTP/1.1 408 "), "{read}");
    reaches(&metrics.header_timeouts, 1).await;

    let idle = Limits { idle_timeout: Duration::from_secs(1), ..Limits::default() };
    let (proxy, metrics) = counted(idle, &upstream).await;
    let mut stream = used(&proxy).await;
    until(|| metrics.parked.get() == 1).await;
    assert_eq!(soon(stream.read_to_string(&mut read)).await.unwrap(), 0);
    reaches(&metrics.idle_timeouts, 1).await;
    until(|| metrics.parked.get() == 0).await;
}

#[tokio::test]
async fn a_connection_that_rests_is_closed_by_either_side() {
    let upstream = Upstream::http1(echo).await;
    let (proxy, metrics) = counted(limits(), &upstream).await;
    let (gone, mut stays) = (used(&proxy).await, used(&proxy).await);
    until(|| metrics.parked.get() == 2).await;
    drop(gone);
    until(|| metrics.connections.get() == 1).await;
    assert_eq!(metrics.parked.get(), 1);
    // A drain waits for nothing.
    soon(proxy.workers.drain(Duration::from_secs(3600))).await;
    assert_eq!(soon(stays.read(&mut [0])).await.unwrap(), 0);
    assert_eq!((metrics.connections.get(), metrics.parked.get()), (0, 0));
}
