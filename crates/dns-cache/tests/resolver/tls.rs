//! DNS over TLS (RFC 7858).

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_dns_cache::{Answer, DnsServer as Ask, RecordKind, Resolve, SystemResolver};
use hickory_proto::rr::RecordType;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::isolation::{over_connections, troubled};
use crate::server::{DnsServer, Reply};

/// Puts TLS with a certificate for `name` before what serves: where, and the roots that vouch for it.
async fn over_tls(serve: impl Fn(TlsStream<TcpStream>) + Send + 'static, name: &str) -> (SocketAddr, RootCertStore) {
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(pair.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream);
            }
        }
    });
    (address, roots)
}

fn ask(address: SocketAddr, name: &str) -> Ask {
    format!("tls://{address}#{name}").parse().unwrap()
}

#[tokio::test]
async fn questions_go_over_tls_to_whom_the_certificate_names() {
    let server = Arc::new(DnsServer::start().await);
    server.set("h.example", RecordType::A, Reply::Addresses(60, vec!["10.0.0.1"]));
    let behind = Arc::clone(&server);
    let (address, roots) = over_tls(move |stream| behind.serve(stream, "tls"), "dns.example").await;
    let resolver = SystemResolver::with_roots(&[ask(address, "dns.example")], roots.clone()).unwrap();
    for _ in 0..2 {
        let Answer::Addresses(found, _) = resolver.query("h.example".into(), RecordKind::A).await else { panic!() };
        assert_eq!(found, ["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    }
    let transports: Vec<_> = server.asked().into_iter().map(|(.., transport)| transport).collect();
    assert_eq!(transports, ["tls", "tls"]);

    for (name, roots) in [("other.example", roots), ("dns.example", RootCertStore::empty())] {
        let resolver = SystemResolver::with_roots(&[ask(address, name)], roots).unwrap();
        let answer = resolver.query("h.example".into(), RecordKind::A).await;
        assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
        assert_eq!(server.asked(), [], "nothing is said to a stranger, nor in the open");
    }
}

#[tokio::test]
async fn a_question_waits_behind_no_other() {
    let (server, gate) = troubled().await;
    let server = Arc::new(server);
    let behind = Arc::clone(&server);
    let (address, roots) = over_tls(move |stream| behind.serve(stream), "dns.example").await;
    let resolver = Arc::new(SystemResolver::with_roots(&[ask(address, "dns.example")], roots).unwrap());
    over_connections(&server, &resolver, &gate).await;
}
