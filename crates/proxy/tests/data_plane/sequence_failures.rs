//! What clients of sequences are told of each failure, in the operator's words.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{Limit, LoadBalancing};
use backstay_model::{OnSilence, Protocol};
use backstay_proto::config::local_reply::Cause;
use backstay_proxy::server::Options;
use backstay_upstream::Discovery;
use backstay_upstream::tls::{ClientTls, client_config};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::sequence::{SequenceOf, select};
use crate::support::{
    ANY_PORT, BackendOf, Client, H2Client, Proxy, Raw, Upstream, access_log, ask, raw, socket, until,
};
use crate::tls::{self, Authority};

const CAUSES: [Cause; 13] = [
    Cause::NoDestination,
    Cause::BackendUnhealthy,
    Cause::PoolUnhealthy,
    Cause::QuorumNotReached,
    Cause::ConnectionLimit,
    Cause::ConnectTimeout,
    Cause::ConnectFailure,
    Cause::NameResolution,
    Cause::TlsFailure,
    Cause::CertificateName,
    Cause::FirstByteTimeout,
    Cause::ResponseBroken,
    Cause::TotalTimeout,
];

fn to(backend: BackendOf, port: u16) -> SequenceOf {
    SequenceOf::default().destination("up", &backend.build(), port).step(None, &[select("up")]).worded(&CAUSES)
}

/// Asks once, and compares what the client and the access log are told.
async fn fails(sequence: SequenceOf, cause: Cause) {
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let metrics = Arc::clone(&options.metrics);
    let proxy = Proxy::with(options, socket(ANY_PORT, sequence.table())).await;
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let name = cause.as_str_name();
    assert!(answer.starts_with(&format!("HTTP/1.1 503 Because {name}\r\n")), "{name}: {answer}");
    assert!(answer.contains("content-type: text/html; charset=utf-8\r\n"), "{answer}");
    assert!(answer.ends_with(&format!("\r\n\r\n<p>{name}</p>")), "{answer}");
    let line = lines.next();
    assert_eq!((&line["status"], &line["cause"]), (&503.into(), &name.to_lowercase().into()), "{line}");
    let counted = metrics.destination_failures.by_cause().filter(|(_, count)| *count > 0);
    let counted: Vec<_> = counted.map(|(cause, count)| (cause.as_str(), count)).collect();
    assert_eq!(counted, [(&*name.to_lowercase(), 1)]);
}

#[tokio::test]
async fn no_step_selects_a_destination() {
    fails(SequenceOf::default().worded(&CAUSES), Cause::NoDestination).await;
}

#[tokio::test]
async fn the_backend_is_unhealthy() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::from("up")) }).await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    let strict = LoadBalancing { panic_threshold: 0, ..LoadBalancing::default() };
    backend.policy.balancing = Arc::new(strict);
    let Discovery::Addresses(list) = &backend.discovery else { panic!() };
    list.load().set().state(0).unwrap().set_failed_check(true, Duration::from_secs(1));
    fails(to(backend, upstream.address.port()), Cause::BackendUnhealthy).await;
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn the_name_has_no_address() {
    fails(to(BackendOf::http1(&[]), 80), Cause::NameResolution).await;
}

#[tokio::test]
async fn nobody_listens() {
    let (_, address) = Raw::bind().await;
    fails(to(BackendOf::http1(&[address]), address.port()), Cause::ConnectFailure).await;
}

/// A listener whose backlog is full: connections to it are neither accepted nor refused.
async fn full() -> (socket2::Socket, Vec<TcpStream>, SocketAddr) {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    (listener, waiting, address)
}

#[tokio::test]
async fn the_endpoint_does_not_accept() {
    let (_listener, _waiting, address) = full().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts.connect = Duration::from_millis(50);
    fails(to(backend, address.port()), Cause::ConnectTimeout).await;
}

#[tokio::test]
async fn the_endpoint_does_not_speak_tls() {
    let upstream = Upstream::serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_u8().await;
    })
    .await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.tls = Some(trusting(&Authority::new(), "up.example"));
    fails(to(backend, upstream.address.port()), Cause::TlsFailure).await;
}

/// TLS to `name`, whose certificate `authority` must have signed.
fn trusting(authority: &Authority, name: &str) -> ClientTls {
    let config = client_config(authority.roots(), Protocol::Http1, None).unwrap();
    ClientTls { config, server_name: Some(name.to_owned().try_into().unwrap()) }
}

#[tokio::test]
async fn the_certificate_is_of_another_host_or_nobody_trusts_it() {
    let authority = Authority::new();
    let upstream = tls::upstream(authority.sign("up.example"), &[]).await;
    for (tls, cause) in [
        (trusting(&authority, "other.example"), Cause::CertificateName),
        (trusting(&Authority::new(), "up.example"), Cause::TlsFailure),
    ] {
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.tls = Some(tls);
        fails(to(backend, upstream.address.port()), cause).await;
    }
}

#[tokio::test]
async fn nothing_comes_in_time() {
    let (_upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts.first_byte = Some(Duration::from_millis(50));
    fails(to(backend, address.port()), Cause::FirstByteTimeout).await;
}

#[tokio::test]
async fn it_takes_too_long() {
    let (_upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts.total = Some(Duration::from_millis(50));
    fails(to(backend, address.port()), Cause::TotalTimeout).await;
    let mut sequence = to(BackendOf::http1(&[address]), address.port());
    sequence.message.request_timeout = Some(prost_types::Duration { seconds: 0, nanos: 50_000_000 });
    fails(sequence, Cause::TotalTimeout).await;
}

#[tokio::test]
async fn the_response_breaks_off() {
    for answer in [&b""[..], b"HTTP/1.1 20", b"nonsense\r\n\r\n"] {
        let upstream = Upstream::serve(move |mut stream| async move {
            Raw::head(&mut stream).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        fails(to(BackendOf::http1(&[upstream.address]), upstream.address.port()), Cause::ResponseBroken).await;
    }
}

/// A backend with one connection for all requests, none of which waits.
fn one_connection(address: SocketAddr) -> BackendOf {
    let mut backend = BackendOf::http1(&[address]);
    backend.limits.connections = Some(1);
    backend.limits.requests = Some(1);
    backend.policy.rejects_when_full = true;
    backend
}

/// Sends a request, and takes it as the endpoint.
async fn begin(proxy: &Proxy, upstream: &Raw, head: &str) -> (TcpStream, TcpStream) {
    let mut asking = TcpStream::connect(proxy.address).await.unwrap();
    asking.write_all(format!("GET / HTTP/1.1\r\nhost: a\r\n{head}\r\n").as_bytes()).await.unwrap();
    (asking, upstream.accept().await.0)
}

#[tokio::test]
async fn the_connection_limit_is_told_at_once_and_ends_with_each_request() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = one_connection(address);
    backend.timeouts.first_byte = Some(Duration::from_millis(300));
    let backend = backend.build();
    let sequence = SequenceOf::default().destination("up", &backend, address.port()).step(None, &[select("up")]);
    let proxy = Proxy::start(sequence.worded(&CAUSES).table()).await;
    let limited = async || {
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.text(), "<p>CONNECTION_LIMIT</p>");
    };
    let free = async || until(|| backend.breakers.active(Limit::Requests) == 0).await;
    // The client leaves.
    let (asking, stream) = begin(&proxy, &upstream, "").await;
    limited().await;
    drop(asking);
    free().await;
    drop(stream);
    // Nothing comes in time.
    let (mut asking, _stream) = begin(&proxy, &upstream, "").await;
    limited().await;
    assert_eq!(Raw::head(&mut asking).await.lines().next(), Some("HTTP/1.1 503 Because FIRST_BYTE_TIMEOUT"));
    free().await;
    // The endpoint breaks off.
    let (mut asking, stream) = begin(&proxy, &upstream, "").await;
    limited().await;
    drop(stream);
    assert_eq!(Raw::head(&mut asking).await.lines().next(), Some("HTTP/1.1 503 Because RESPONSE_BROKEN"));
    free().await;
    // The protocol changes: the tunnel holds the connection until it ends.
    let (mut tunnel, mut stream) = begin(&proxy, &upstream, "connection: upgrade\r\nupgrade: websocket\r\n").await;
    stream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        .await
        .unwrap();
    assert!(Raw::head(&mut tunnel).await.starts_with("HTTP/1.1 101 "));
    limited().await;
    drop((tunnel, stream));
    free().await;
    // A connection that is kept counts, and serves.
    let (mut asking, mut stream) = begin(&proxy, &upstream, "").await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut asking).await.starts_with("HTTP/1.1 200 "));
    let (answer, _) = tokio::join!(ask(proxy.address, Request::get("/")), async {
        Raw::head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup").await.unwrap();
    });
    assert_eq!(answer.text(), "up");
}

#[tokio::test]
async fn what_has_no_words_is_answered_as_elsewhere() {
    let (_, address) = Raw::bind().await;
    let mut sequence = to(BackendOf::http1(&[address]), address.port());
    sequence.message.local_replies.clear();
    let proxy = Proxy::start(sequence.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().starts_with("upstream connect error"), "{}", answer.text());
}

#[tokio::test]
async fn http2_has_the_status_and_the_body() {
    let (_, address) = Raw::bind().await;
    let proxy = Proxy::start(to(BackendOf::http1(&[address]), address.port()).table()).await;
    let answer = H2Client::connect(proxy.address).await.get("http://a/").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, "<p>CONNECT_FAILURE</p>"));
    let mut client = Client::connect(proxy.address).await;
    let head = Request::head("/").header("host", "a").body(Full::default()).unwrap();
    let answer = client.send(head).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length"), answer.text()), (503, "22", ""));
}

#[tokio::test]
async fn silence_ends_what_was_promised_no_length_and_breaks_off_the_rest() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let counted = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";
    for (head, on_silence, whole) in [
        (chunked, OnSilence::End, true),
        (chunked, OnSilence::Break, false),
        (counted, OnSilence::End, false),
        (counted, OnSilence::Break, false),
    ] {
        let (upstream, address) = Raw::bind().await;
        let mut backend = BackendOf::http1(&[address]);
        backend.timeouts.between_bytes = Some(Duration::from_millis(50));
        backend.timeouts.on_silence = on_silence;
        let proxy = Proxy::start(to(backend, address.port()).table()).await;
        let answer = async || {
            let (mut stream, _) = upstream.accept().await;
            stream.write_all(head.as_bytes()).await.unwrap();
            // The connection ends with its answer, since nobody knows what would come on it.
            assert!(stream.read_u8().await.is_err());
        };
        let asked = raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let (text, ()) = tokio::join!(asked, answer());
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let expected = match (whole, head == chunked) {
            (true, _) => "4\r\nhalf\r\n0\r\n\r\n",
            (false, true) => "4\r\nhalf\r\n",
            (false, false) => "half",
        };
        assert_eq!(body, expected, "{head:?} {on_silence:?}");
        let mut client = H2Client::connect(proxy.address).await;
        let request = Request::get("http://a/").body(Full::default().boxed()).unwrap();
        let asked = async { client.begin(request).await.unwrap().into_body().collect().await };
        let (body, ()) = tokio::join!(asked, answer());
        assert_eq!(body.is_ok(), whole, "{head:?} {on_silence:?}");
    }
}
