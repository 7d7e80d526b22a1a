//! TLS on either side.

use std::sync::Arc;

use backstay_model::{HostPattern, Protocol, TlsTerms, cipher_suite};
use backstay_proxy::config::Socket;
use backstay_proxy::server::Options;
use backstay_proxy::tls::{ServerNames, server_config};
use backstay_upstream::tls::{ClientOptions, ClientTls, Trust, client_config};
use backstay_upstream::{Backend, Endpoint};
use http::Request;
use http_body_util::Full;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{ANY_PORT, Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, echo, raw, to};

/// Who signs the certificates of a test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn issuer(&self) -> &rcgen::Issuer<'static, KeyPair> {
        &self.0
    }

    pub(crate) fn sign(&self, name: &str) -> Arc<CertifiedKey> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = ring::default_provider();
        Arc::new(CertifiedKey::from_der(vec![certificate.der().clone()], key, &provider).unwrap())
    }
}

/// An upstream that shows `key` to everyone, and says which server name it was asked for.
pub(crate) async fn upstream(key: Arc<CertifiedKey>, alpn: &[&[u8]]) -> Upstream {
    let mut names = ServerNames::default();
    names.insert(HostPattern::Any, key);
    serving(ServerConfig::clone(&server_config(names, &TlsTerms::default()).unwrap()), alpn).await
}

async fn serving(mut config: ServerConfig, alpn: &[&[u8]]) -> Upstream {
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Upstream::serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => stream,
                Err((_, mut stream)) => {
                    // To close it with something unread would reset it, and that may overtake the alert.
                    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                    return;
                }
            };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let sni = stream.get_ref().1.server_name().unwrap_or("none").to_owned();
            let service = service_fn(move |request| {
                let sni = sni.clone();
                async move {
                    let mut response = echo(request).await;
                    response.headers_mut().insert("x-sni", sni.parse().unwrap());
                    Ok::<_, std::convert::Infallible>(response)
                }
            });
            if http2 {
                let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            } else {
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        }
    })
    .await
}

pub(crate) fn backend(upstream: &Upstream, endpoint: &str, tls: ClientTls, protocol: Protocol) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[]);
    backend.discovery = backstay_upstream::Discovery::addresses(vec![Endpoint::named(
        upstream.address.ip(),
        ServerName::try_from(endpoint.to_owned()).unwrap(),
    )]);
    backend.tls = Some(tls);
    backend.protocol = protocol;
    backend.build()
}

async fn through(upstream: &Upstream, endpoint: &str, tls: ClientTls, protocol: Protocol) -> Answer {
    let backend = backend(upstream, endpoint, tls, protocol);
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    ask(proxy.address, Request::get("/")).await
}

#[tokio::test]
async fn the_endpoint_proves_its_name() {
    let authority = Authority::new();
    let tls = |verified: Option<&str>, server_name: Option<&str>| ClientTls {
        config: client_config(
            authority.roots(),
            Protocol::Http1,
            verified.map(|name| ServerName::try_from(name.to_owned()).unwrap()),
        )
        .unwrap(),
        server_name: server_name.map(|name| ServerName::try_from(name.to_owned()).unwrap()),
    };
    let named = upstream(authority.sign("up.example"), &[b"http/1.1"]).await;

    let answer = through(&named, "up.example", tls(None, None), Protocol::Http1).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-sni")), (200, "up.example"));
    let answer = through(&named, "127.0.0.1", tls(None, Some("up.example")), Protocol::Http1).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-sni")), (200, "up.example"));
    let answer = through(&named, "other.example", tls(Some("up.example"), None), Protocol::Http1).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-sni")), (200, "other.example"));

    for (endpoint, tls) in [
        ("other.example", tls(None, None)),
        ("up.example", tls(None, Some("other.example"))),
        ("up.example", tls(Some("other.example"), None)),
        ("127.0.0.1", tls(None, None)),
    ] {
        let answer = through(&named, endpoint, tls, Protocol::Http1).await;
        assert_eq!(answer.status, 503, "{endpoint}");
        assert!(answer.text().ends_with("reset reason: remote connection failure"), "{}", answer.text());
    }

    let by_address = upstream(authority.sign("127.0.0.1"), &[]).await;
    let answer = through(&by_address, "127.0.0.1", tls(None, None), Protocol::Http1).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-sni")), (200, "none"));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let upstream = upstream(Authority::new().sign("up.example"), &[]).await;
    let config = client_config(Authority::new().roots(), Protocol::Http1, None).unwrap();
    let answer = through(&upstream, "up.example", ClientTls { config, server_name: None }, Protocol::Http1).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn an_http2_backend_must_select_it() {
    let authority = Authority::new();
    let tls =
        || ClientTls { config: client_config(authority.roots(), Protocol::Http2, None).unwrap(), server_name: None };
    let speaks = upstream(authority.sign("up.example"), &[b"h2"]).await;
    let answer = through(&speaks, "up.example", tls(), Protocol::Http2).await;
    assert!(answer.text().starts_with("GET https://test/ HTTP/2.0\n"), "{}", answer.text());
    let silent = upstream(authority.sign("up.example"), &[]).await;
    assert_eq!(through(&silent, "up.example", tls(), Protocol::Http2).await.status, 503);
}

fn client_tls(authority: &Authority, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

pub(crate) async fn connect(
    proxy: &Proxy,
    authority: &Authority,
    name: &'static str,
    alpn: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    TlsConnector::from(client_tls(authority, alpn)).connect(ServerName::try_from(name).unwrap(), stream).await
}

#[tokio::test]
async fn certificates_follow_the_server_name_and_the_protocol_follows_alpn() {
    let authority = Authority::new();
    let upstream = Upstream::http1(echo).await;
    let mut names = ServerNames::default();
    names.insert(HostPattern::parse("one.example").unwrap(), authority.sign("one.example"));
    names.insert(HostPattern::parse("*.two.example").unwrap(), authority.sign("*.two.example"));
    let table = Routes::to(upstream.address);
    let socket = Socket {
        address: ANY_PORT,
        listeners: vec![],
        tls: Some(server_config(names, &TlsTerms::default()).unwrap()),
        limits: None,
        table,
    };
    let proxy = Proxy::with(Options::default(), Arc::new(socket)).await;

    for name in ["one.example", "a.two.example"] {
        let mut client = Client::over(connect(&proxy, &authority, name, &[]).await.unwrap()).await;
        let request = Request::get("/").header("host", name).body(Full::default()).unwrap();
        let answer = client.send(request).await;
        assert!(answer.text().contains("x-forwarded-proto: https\n"), "{}", answer.text());
        let mut client = H2Client::over(connect(&proxy, &authority, name, &[b"h2", b"http/1.1"]).await.unwrap()).await;
        assert_eq!(client.get(&format!("https://{name}/")).await.status, 200);
    }
    // Who comes back with a ticket is served as well.
    let config = client_tls(&authority, &[]);
    let mut resumed = Vec::new();
    for _ in 0..3 {
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let name = ServerName::try_from("one.example").unwrap();
        let mut stream = TlsConnector::from(Arc::clone(&config)).connect(name, stream).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        crate::support::soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        resumed.push(stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed));
    }
    assert_eq!(resumed, [false, true, true]);
    for name in ["three.example", "two.example", "a.one.example"] {
        assert!(connect(&proxy, &authority, name, &[]).await.is_err(), "{name}");
    }
    // Plain HTTP to a TLS port is no handshake.
    assert!(!crate::support::raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.contains("HTTP/"));
}

/// Leads to a silent address first.
#[derive(Debug)]
struct Both([std::net::SocketAddr; 2]);

impl backstay_upstream::Resolve for Both {
    fn lookup(&self, _: &str, _: u16) -> backstay_upstream::Lookup {
        backstay_upstream::Lookup::Ready(self.0.into())
    }
}

#[tokio::test]
async fn an_address_that_is_silent_is_overtaken_and_given_up() {
    let authority = Authority::new();
    for (protocol, alpn) in [(Protocol::Http1, b"http/1.1".as_slice()), (Protocol::Http2, b"h2")] {
        let speaks = upstream(authority.sign("up.example"), &[alpn]).await;
        // Takes connections and never answers the handshake.
        let silent = tokio::net::TcpListener::bind(ANY_PORT).await.unwrap();
        let mut backend = BackendOf::http1(&[]);
        backend.discovery = backstay_upstream::Discovery::Dynamic(backstay_upstream::Dynamic {
            resolve: Arc::new(Both([silent.local_addr().unwrap(), speaks.address])),
            allowed: backstay_model::Allowed::All,
            loops: None,
        });
        let config = client_config(authority.roots(), protocol, None).unwrap();
        backend.tls = Some(ClientTls { config, server_name: None });
        backend.protocol = protocol;
        let proxy = Proxy::start(Routes::all(to(&backend.build(), 0))).await;
        let answer = ask(proxy.address, Request::get("/").header("host", "up.example")).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-sni")), (200, "up.example"));
        let (mut given_up, _) = silent.accept().await.unwrap();
        let mut hello = Vec::new();
        crate::support::soon(given_up.read_to_end(&mut hello)).await.unwrap();
        assert!(!hello.is_empty(), "it was tried first");
    }
}

/// An upstream that takes only clients with a certificate of `clients`.
async fn demanding(key: Arc<CertifiedKey>, clients: &Authority) -> Upstream {
    let provider = Arc::new(ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(clients.roots(), Arc::clone(&provider));
    let mut names = ServerNames::default();
    names.insert(HostPattern::Any, key);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_cert_resolver(Arc::new(names));
    serving(config, &[b"http/1.1"]).await
}

fn options(trust: Trust) -> ClientOptions {
    ClientOptions::trusting(trust)
}

fn built(options: ClientOptions) -> ClientTls {
    ClientTls { config: options.build(Protocol::Http1).unwrap(), server_name: None }
}

#[tokio::test]
async fn the_proxy_shows_its_own_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let upstream = demanding(servers.sign("svc.example"), &clients).await;
    let trust = || Trust::Roots(servers.roots());
    for (certificate, status) in
        [(Some(clients.sign("me")), 200), (None, 503), (Some(Authority::new().sign("me")), 503)]
    {
        let tls = built(ClientOptions { certificate, ..options(trust()) });
        assert_eq!(through(&upstream, "svc.example", tls, Protocol::Http1).await.status, status);
    }
}

#[tokio::test]
async fn why_there_is_no_connection_is_noted() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let demands = demanding(servers.sign("svc.example"), &clients).await;
    let trusting = |authority: &Authority| options(Trust::Roots(authority.roots()));
    let stranger = Some(Authority::new().sign("me"));
    for (endpoint, options, error, advice) in [
        ("svc.example", trusting(&clients), "BadSignature", "another key"),
        ("other.example", trusting(&servers), "not valid for name", "tls.verifiedName"),
        ("svc.example", trusting(&servers), "CertificateRequired", "asks for a certificate"),
        (
            "svc.example",
            ClientOptions { certificate: stranger, ..trusting(&servers) },
            "DecryptError",
            "refuses the certificate",
        ),
    ] {
        let backend = backend(&demands, endpoint, built(options), Protocol::Http1);
        let proxy = Proxy::start(Routes::all(to(&backend, demands.address.port()))).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 503);
        let noted = backend.last_errors().failed_connection().unwrap();
        assert_eq!(noted.address, demands.address);
        assert!(noted.error.contains(error), "{noted:?}");
        assert!(noted.advice.unwrap().contains(advice), "{noted:?}");
    }
}

#[tokio::test]
async fn verification_can_be_given_up() {
    let upstream = upstream(Authority::new().sign("other.example"), &[b"http/1.1"]).await;
    let tls = built(options(Trust::Anyone));
    assert_eq!(through(&upstream, "svc.example", tls, Protocol::Http1).await.status, 200);
}

#[tokio::test]
async fn versions_and_suites_are_kept_to() {
    let authority = Authority::new();
    let key = authority.sign("svc.example");
    let mut names = ServerNames::default();
    names.insert(HostPattern::Any, key);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(names));
    config.alpn_protocols = vec![];
    let upstream = serving(config, &[b"http/1.1"]).await;
    let trust = || Trust::Roots(authority.roots());
    let suite = |name| vec![cipher_suite(name).unwrap()];
    for (options, status) in [
        (options(trust()), 200),
        (ClientOptions { tls12: false, ..options(trust()) }, 503),
        (ClientOptions { suites: suite("ECDHE-ECDSA-AES128-GCM-SHA256"), ..options(trust()) }, 200),
        (ClientOptions { suites: suite("ECDHE-RSA-AES128-GCM-SHA256"), ..options(trust()) }, 503),
        (ClientOptions { suites: suite("TLS_AES_128_GCM_SHA256"), ..options(trust()) }, 503),
    ] {
        let named = format!("{:?} {}", options.suites, options.tls12);
        assert_eq!(through(&upstream, "svc.example", built(options), Protocol::Http1).await.status, status, "{named}");
    }
}

#[tokio::test]
async fn an_answer_without_length_ends_only_where_the_endpoint_says_so() {
    let mut names = ServerNames::default();
    names.insert(HostPattern::Any, Authority::new().sign("up.example"));
    let acceptor = TlsAcceptor::from(server_config(names, &TlsTerms::default()).unwrap());
    for says in [true, false] {
        let acceptor = acceptor.clone();
        let upstream = Upstream::serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                Raw::head(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\npart").await.unwrap();
                stream.flush().await.unwrap();
                if says { stream.shutdown().await } else { stream.get_mut().0.shutdown().await }.unwrap();
                let _ = stream.read_u8().await;
            }
        })
        .await;
        let backend = backend(&upstream, "up.example", built(options(Trust::Anyone)), Protocol::Http1);
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        let answer = raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(answer.contains("part"), "{answer}");
        assert_eq!(answer.ends_with("\r\n0\r\n\r\n"), says, "{answer}");
    }
}
