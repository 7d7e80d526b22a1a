//! Limits and terms of TLS that a listener has for itself.

use std::sync::Arc;
use std::time::Duration;

use backstay_model::{ClientLimits, HostPattern, Listener, TlsTerms};
use backstay_proto::config::{self, ServerTls, listener, server_tls};
use backstay_proxy::config::Socket;
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::server::Options;
use backstay_proxy::tls::{ServerNames, server_config};
use http::Request;
use http_body_util::{BodyExt, Full, StreamBody};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{ANY_PORT, Client, H2Client, Proxy, Raw, Routes, Upstream, access_log, echo, raw, soon, until};
use crate::tls::Authority;

const SHORT: Duration = Duration::from_millis(80);

async fn limited(limits: ClientLimits, upstream: std::net::SocketAddr, options: Options) -> Proxy {
    let table = Routes::to(upstream);
    let limits = Some(Arc::new(limits));
    let socket = Socket { address: ANY_PORT, listeners: vec!["listener/test".into()], tls: None, limits, table };
    Proxy::with(options, Arc::new(socket)).await
}

fn counted() -> (Options, Arc<ServerMetrics>) {
    let options = Options::default();
    let metrics = Arc::clone(&options.metrics);
    (options, metrics)
}

#[tokio::test]
async fn a_head_and_a_connection_without_a_request_may_take_as_long_as_the_listener_says() {
    let upstream = Upstream::http1(echo).await;
    let (options, metrics) = counted();
    let limits = ClientLimits { header_timeout: Some(SHORT), ..ClientLimits::default() };
    let proxy = limited(limits, upstream.address, options).await;
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    // It is counted when the connection has ended, which its client sees first.
    until(|| metrics.header_timeouts.get() == 1).await;

    let (options, metrics) = counted();
    let limits = ClientLimits { idle_timeout: Some(SHORT), ..ClientLimits::default() };
    let proxy = limited(limits, upstream.address, options).await;
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    until(|| metrics.idle_timeouts.get() == 1).await;
}

/// A client that sends its body so slowly that it is still under way, and an endpoint that does not end its answer.
#[tokio::test]
async fn a_body_and_an_answer_may_take_as_long_as_the_listener_says() {
    let body = ClientLimits { request_timeout: Some(SHORT), ..ClientLimits::default() };
    let answer = ClientLimits { response_timeout: Some(SHORT), ..ClientLimits::default() };
    for (limits, request) in [
        (body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"),
        (answer, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let (upstream, address) = Raw::bind().await;
        let (log, lines) = access_log();
        let (options, metrics) = counted();
        let proxy = limited(limits, address, Options { access_log: Some(log), ..options }).await;
        let asked = tokio::spawn(raw(proxy.address, request));
        let (mut stream, _) = upstream.accept().await;
        let begin = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
        if request.starts_with("GET") {
            stream.write_all(begin).await.unwrap();
        }
        let told = asked.await.unwrap();
        assert!(!told.contains("abcabcabc"), "{told}");
        let line = lines.next();
        assert_eq!((&line["flags"], &line["details"]), (&"DT".into(), &"max_duration_timeout".into()), "{request}");
        until(|| metrics.request_timeouts.get() == 1).await;
    }
}

#[tokio::test]
async fn a_body_that_has_come_and_an_answer_in_time_are_not_cut() {
    let upstream = Upstream::http1(echo).await;
    let limits = ClientLimits { request_timeout: Some(SHORT), ..ClientLimits::default() };
    let (options, metrics) = counted();
    let proxy = limited(limits, upstream.address, options).await;
    let mut client = Client::connect(proxy.address).await;
    for body in ["", "abc", "", "abc"] {
        let request = Request::post("/").header("host", "a").body(Full::from(body)).unwrap();
        assert!(client.send(request).await.text().ends_with(&format!("\n\n{body}")));
        // Longer than the body may take: it has come.
        tokio::time::sleep(SHORT).await;
    }
    assert_eq!(metrics.request_timeouts.get(), 0);
}

#[tokio::test]
async fn over_http2_the_request_ends_alone() {
    let (upstream, address) = Raw::bind().await;
    let limits = ClientLimits { request_timeout: Some(SHORT), ..ClientLimits::default() };
    let (options, metrics) = counted();
    let proxy = limited(limits, address, options).await;
    let mut client = H2Client::connect(proxy.address).await;
    let never = StreamBody::new(futures::stream::pending::<Result<hyper::body::Frame<bytes::Bytes>, _>>()).boxed();
    let slow = Request::post("http://a.test/slow").body(never).unwrap();
    let mut slow_client = client.clone();
    let slow = tokio::spawn(async move { slow_client.begin(slow).await.map(|_| ()) });
    let (_stream, head) = upstream.accept().await;
    assert!(head.starts_with("POST /slow "), "{head}");
    assert!(soon(slow).await.unwrap().is_err());
    assert_eq!(metrics.request_timeouts.get(), 1);
    // The connection goes on.
    let asked = tokio::spawn(async move {
        let request = Request::get("http://a.test/next").body(Full::default().boxed()).unwrap();
        client.begin(request).await.unwrap().status()
    });
    let (mut stream, _) = upstream.accept().await;
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert_eq!(soon(asked).await.unwrap(), 204);
}

#[tokio::test]
async fn a_head_may_be_as_long_as_the_listener_says() {
    let upstream = Upstream::http1(echo).await;
    let long =
        |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\nConnection: close\r\n\r\n", "x".repeat(bytes));
    for (size, bytes, status) in
        [(4096, 3000, "200"), (4096, 5000, "431"), (1 << 20, 70_000, "502"), (1 << 20, 50_000, "200")]
    {
        let limits = ClientLimits { max_head_size: Some(size), ..ClientLimits::default() };
        let proxy = limited(limits, upstream.address, Options::default()).await;
        let answer = raw(proxy.address, long(bytes)).await;
        let told = answer.get(9..12).unwrap_or_default();
        // What hyper as the endpoint takes of the longest is for it to say.
        assert!(told == status || status == "502" && told != "431", "{size} {bytes}: {answer:.200}");
        let mut client = H2Client::connect(proxy.address).await;
        let request = Request::get("http://a.test/").header("x", "x".repeat(bytes)).body(Full::default().boxed());
        let Ok(response) = client.begin(request.unwrap()).await else { continue };
        assert_eq!(response.status() == 431, status == "431", "{size} {bytes}");
    }
}

/// The PEM of an authority, in the settings that a control plane sends.
fn terms(authority: Option<&Authority>, min: server_tls::Version, max: server_tls::Version) -> TlsTerms {
    let tls = ServerTls {
        secrets: vec!["secret/n/s".to_owned()],
        min_version: min.into(),
        max_version: max.into(),
        client_ca_bundle: authority.map(|authority| authority.pem().into()).unwrap_or_default(),
    };
    let protocol = listener::Protocol::Https.into();
    Listener::try_from(&config::Listener { port: 1, protocol, tls: Some(tls), ..Default::default() }).unwrap().terms
}

async fn handshake(proxy: &Proxy, config: ClientConfig) -> std::io::Result<Option<ProtocolVersion>> {
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let name = ServerName::try_from("one.example").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    Ok(stream.get_ref().1.protocol_version())
}

#[tokio::test]
async fn versions_and_authorities_of_clients_are_those_that_the_listener_names() {
    use server_tls::Version::{Default, Tls12, Tls13};
    let upstream = Upstream::http1(echo).await;
    let (server, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let client = |versions: &[&'static rustls::SupportedProtocolVersion], signer: Option<&Authority>| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(server.roots());
        let Some(signer) = signer else { return builder.with_no_client_auth() };
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["me".to_owned()]).unwrap().signed_by(&key, signer.issuer()).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        builder.with_client_auth_cert(vec![leaf.der().clone()], key).unwrap()
    };
    let (old, new) = (&[&rustls::version::TLS12][..], &[&rustls::version::TLS13][..]);
    let (tls12, tls13) = (Some(ProtocolVersion::TLSv1_2), Some(ProtocolVersion::TLSv1_3));
    for (terms, versions, signer, spoken) in [
        (terms(None, Default, Default), old, None, tls12),
        (terms(None, Default, Default), new, None, tls13),
        (terms(None, Tls13, Default), old, None, None),
        (terms(None, Tls13, Default), new, None, tls13),
        (terms(None, Default, Tls12), old, None, tls12),
        (terms(None, Default, Tls12), new, None, None),
        (terms(Some(&clients), Default, Default), new, None, None),
        (terms(Some(&clients), Default, Default), old, None, None),
        (terms(Some(&clients), Default, Default), new, Some(&others), None),
        (terms(Some(&clients), Default, Default), new, Some(&clients), tls13),
        (terms(Some(&clients), Default, Default), old, Some(&clients), tls12),
    ] {
        let mut names = ServerNames::default();
        names.insert(HostPattern::Any, server.sign("one.example"));
        let tls = Some(server_config(names, &terms).unwrap());
        let table = Routes::to(upstream.address);
        let socket = Socket { address: ANY_PORT, listeners: vec![], tls, limits: None, table };
        let proxy = Proxy::with(Options::default(), Arc::new(socket)).await;
        let seen = soon(handshake(&proxy, client(versions, signer))).await.ok().flatten();
        assert_eq!(seen, spoken, "{terms:?} {versions:?}");
    }
}
