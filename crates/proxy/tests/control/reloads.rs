//! Connections to endpoints, when the backend that they belong to changes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use backstay_proto::config::{
    Backend, ClientTls, Secret, StaticEndpoints, Timeouts, backend, backend::Protocol, resource, secret,
};
use backstay_proxy::{Options, Proxy};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use super::plane::{ControlPlane, free_port};
use super::traffic::get;
use super::{acknowledged, all, ip, options};

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Pair {
    certificate: CertificateDer<'static>,
    secret: resource::Kind,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn secret(&self) -> resource::Kind {
        let authority = secret::CertificateAuthority { bundle: self.0.pem().into() };
        resource::Kind::Secret(Secret { kind: Some(secret::Kind::CertificateAuthority(authority)) })
    }

    fn sign(&self) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["web.example".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let pair = secret::Certificate {
            chain: certificate.pem().into(),
            private_key: key.serialize_pem().into_bytes().into(),
        };
        Pair {
            certificate: certificate.der().clone(),
            secret: resource::Kind::Secret(Secret { kind: Some(secret::Kind::Certificate(pair)) }),
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

/// Demands a certificate, and answers with the number of the connection and that of the certificate among those it was shown.
/// `/hold` is answered once it is let go; `/last` ends its connection.
struct Upstream {
    address: SocketAddr,
    held: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
}

impl Upstream {
    async fn start(authority: &Authority, protocol: Protocol) -> Self {
        let server = authority.sign();
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.certificate], server.key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (holding, held) = mpsc::unbounded_channel();
        let shown = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(async move {
            for number in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, holding, shown) = (acceptor.clone(), holding.clone(), Arc::clone(&shown));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
                    let certificate = {
                        let mut shown = shown.lock().unwrap();
                        if !shown.contains(&certificate) {
                            shown.push(certificate.clone());
                        }
                        shown.iter().position(|known| *known == certificate).unwrap() + 1
                    };
                    let answer = service_fn(|request: Request<hyper::body::Incoming>| {
                        let holding = holding.clone();
                        async move {
                            if request.uri().path() == "/hold" {
                                let (release, released) = oneshot::channel();
                                holding.send(release).unwrap();
                                released.await.unwrap();
                            }
                            let said = format!("connection {number}, certificate {certificate}");
                            let mut answer = Response::builder();
                            if request.uri().path() == "/last" {
                                answer = answer.header("connection", "close");
                            }
                            answer.body(Full::new(Bytes::from(said)))
                        }
                    });
                    let io = TokioIo::new(stream);
                    let _ = match protocol {
                        Protocol::Http2Tls => {
                            http2::Builder::new(TokioExecutor::new()).serve_connection(io, answer).await
                        }
                        _ => http1::Builder::new().serve_connection(io, answer).await,
                    };
                });
            }
        });
        Self { address, held }
    }

    /// Waits for a request to `/hold`.
    async fn holding(&mut self) -> oneshot::Sender<()> {
        self.held.recv().await.unwrap()
    }
}

/// A proxy, its control plane and a backend that is reached with secrets.
struct Case {
    plane: ControlPlane,
    changes: u64,
    listen: u16,
    upstream: Upstream,
    backend: Backend,
    authority: Authority,
    proxy: Proxy,
}

impl Case {
    async fn start(protocol: Protocol) -> Self {
        let authority = Authority::new();
        let upstream = Upstream::start(&authority, protocol).await;
        let (mut plane, listen) = (ControlPlane::start().await, free_port());
        // One thread: connections are a thread's own.
        let proxy = Proxy::start(Options { threads: 1, ..options(Some(plane.address)) }).await.unwrap();
        let tls = ClientTls {
            sni: "web.example".to_owned(),
            ca_secret: "secret/n/ca".to_owned(),
            client_certificate: "secret/n/client".to_owned(),
            ..ClientTls::default()
        };
        let endpoint = backstay_proto::config::Endpoint { host: Some(ip("127.0.0.1")), ..Default::default() };
        let backend = Backend {
            protocol: protocol.into(),
            discovery: Some(backend::Discovery::Static(StaticEndpoints {
                endpoints: vec![endpoint],
                ..StaticEndpoints::default()
            })),
            tls: Some(tls),
            ..Backend::default()
        };
        let mut resources = all(listen, "127.0.0.1", upstream.address.port());
        resources[1].1 = resource::Kind::Backend(backend.clone());
        resources.push(("secret/n/ca", authority.secret()));
        resources.push(("secret/n/client", authority.sign().secret));
        plane.put(resources);
        acknowledged(&mut plane, 1).await;
        Self { plane, changes: 1, listen, upstream, backend, authority, proxy }
    }

    async fn put(&mut self, name: &str, kind: resource::Kind) {
        self.plane.put(vec![(name, kind)]);
        self.changes += 1;
        acknowledged(&mut self.plane, self.changes).await;
    }

    async fn edit(&mut self, edit: impl FnOnce(&mut Backend)) {
        edit(&mut self.backend);
        self.put("backend/web", resource::Kind::Backend(self.backend.clone())).await;
    }

    async fn get(&self, path: &str) -> String {
        let (status, body) = get(self.listen, "any.example", path).await;
        if status == 200 { body } else { status.to_string() }
    }
}

fn timeouts(seconds: i64) -> Timeouts {
    Timeouts { first_byte: Some(prost_types::Duration { seconds, nanos: 0 }), ..Timeouts::default() }
}

#[tokio::test]
async fn connections_outlive_certificates_authorities_and_policies() {
    let mut case = Case::start(Protocol::Http1Tls).await;
    assert_eq!(case.get("/").await, "connection 1, certificate 1");
    let renewed = case.authority.sign().secret;
    case.put("secret/n/client", renewed).await;
    case.edit(|backend| backend.timeouts = Some(timeouts(50))).await;
    assert_eq!(case.get("/").await, "connection 1, certificate 1");
    assert_eq!(case.get("/last").await, "connection 1, certificate 1");
    assert_eq!(case.get("/").await, "connection 2, certificate 2", "new connections show the new certificate");

    let stranger = Authority::new().secret();
    case.put("secret/n/ca", stranger).await;
    assert_eq!(case.get("/last").await, "connection 2, certificate 2");
    assert_eq!(case.get("/").await, "503", "new connections do not trust the old authority");
    case.proxy.shutdown().await;
}

#[tokio::test]
async fn the_connection_of_a_request_under_way_is_kept_by_the_next_version() {
    let mut case = Case::start(Protocol::Http1Tls).await;
    let request = tokio::spawn(get(case.listen, "any.example", "/hold"));
    let release = case.upstream.holding().await;
    case.edit(|backend| backend.timeouts = Some(timeouts(50))).await;
    release.send(()).unwrap();
    assert_eq!(request.await.unwrap(), (200, "connection 1, certificate 1".to_owned()));
    assert_eq!(case.get("/").await, "connection 1, certificate 1");
    case.proxy.shutdown().await;
}

#[tokio::test]
async fn shared_connections_outlive_policies() {
    let mut case = Case::start(Protocol::Http2Tls).await;
    let request = tokio::spawn(get(case.listen, "any.example", "/hold"));
    let release = case.upstream.holding().await;
    case.edit(|backend| backend.timeouts = Some(timeouts(50))).await;
    assert_eq!(case.get("/").await, "connection 1, certificate 1", "beside the request under way");
    release.send(()).unwrap();
    assert_eq!(request.await.unwrap(), (200, "connection 1, certificate 1".to_owned()));
    case.proxy.shutdown().await;
}

#[tokio::test]
async fn connections_are_not_used_under_other_terms() {
    let mut case = Case::start(Protocol::Http1Tls).await;
    assert_eq!(case.get("/").await, "connection 1, certificate 1");
    case.edit(|backend| backend.tls.as_mut().unwrap().max_version = 1).await;
    assert_eq!(case.get("/").await, "connection 2, certificate 1");
    case.edit(|backend| backend.tls.as_mut().unwrap().verified_name = "web.example".to_owned()).await;
    assert_eq!(case.get("/").await, "connection 3, certificate 1");
    case.proxy.shutdown().await;
}
