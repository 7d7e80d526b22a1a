//! Plays rows through both, side by side, and tells where what is seen is not what is expected.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::backstay::Backstay;
use crate::dns::DnsServer;
use crate::envoy::Envoy;
use crate::harness::{port, tools, traffic};
use crate::row::{Expected, Row, UNSTEADY};
use crate::run::{Run, Running, below};
use crate::upstream::{Speech, Upstreams};

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Plays all rows through both, or says that there is no Envoy.
///
/// # Panics
/// When either does something else than a row says.
pub async fn compare(rows: Vec<Row>) {
    compare_over("", rows).await;
}

/// The same, where Backstay asks its DNS server over this protocol, such as `tcp://`. Envoy does what rows say.
pub async fn compare_over(protocol: &str, rows: Vec<Row>) {
    let Some((of_envoy, of_backstay)) = play_both(protocol, &rows).await else { return };
    let mut wrong = Vec::new();
    for ((row, envoy), backstay) in rows.iter().zip(of_envoy).zip(of_backstay) {
        for (((step, expected), envoy), backstay) in row.steps.iter().zip(envoy).zip(backstay) {
            let (of_envoy, of_backstay) = match *expected {
                Expected::Same(both) => (both, both),
                Expected::Differs { envoy, backstay, reason } => {
                    println!("{}: {step:?}\n  Envoy:    {envoy}\n  Backstay: {backstay}\n  because {reason}", row.name);
                    (envoy, backstay)
                }
            };
            for (who, expected, seen) in [("Envoy", of_envoy, envoy), ("Backstay", of_backstay, backstay)] {
                if expected != seen && expected != UNSTEADY {
                    wrong.push(format!("{}: {step:?}\n  {who} should: {expected}\n  {who} did:    {seen}", row.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lines are not as expected\n{}", wrong.len(), wrong.join("\n"));
}

/// What is seen of one proxy: for each row, a line for each step.
pub type Seen = Vec<Vec<String>>;

/// Plays all rows through both; `None` where there is no Envoy.
pub async fn play_both(protocol: &str, rows: &[Row]) -> Option<(Seen, Seen)> {
    let binary = tools::envoy()?;
    let names: HashSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "two rows share a name");
    let issuer = issuer();
    let authority = issuer.pem();
    let with_envoy = play(rows, &issuer, async |all, dns| {
        let envoy = Envoy::start(&binary, all, dns, &authority);
        Running { log: envoy.log.clone(), admin: envoy.admin, _process: Box::new(envoy) }
    });
    let with_backstay = play(rows, &issuer, async |all, dns| {
        let backstay = Backstay::start(all, &format!("{protocol}{dns}"), &authority).await;
        Running { log: backstay.log.clone(), admin: backstay.admin(), _process: Box::new(backstay) }
    });
    Some(tokio::join!(with_envoy, with_backstay))
}

/// Starts DNS and upstreams, then what `start` starts, and plays all rows at once.
async fn play(
    rows: &[Row],
    issuer: &Issuer,
    start: impl AsyncFnOnce(&[(Row, u16, u16)], SocketAddr) -> Running,
) -> Seen {
    let dns = Arc::new(DnsServer::start().await);
    let mut upstreams = Vec::new();
    let mut all = Vec::new();
    for row in rows {
        for (name, kind, reply) in &row.records {
            dns.set(&below(name, &row.domain()), *kind, reply.clone());
        }
        let tls = row.certificate.map(|names| acceptor(issuer, names, row.alpn));
        let speech = Speech { tls, http2: row.http2 && !row.http1_upstreams, streams: row.streams };
        let started = Upstreams::start(&row.upstreams, &speech);
        all.push((row.clone(), port::free(), started.port));
        upstreams.push(started);
    }
    let running = start(&all, dns.address).await;
    for (row, port, _) in &all {
        let address = SocketAddr::from(([127, 0, 0, 1], *port));
        traffic::until(row.name, async || TcpStream::connect(address).await.is_ok()).await;
    }
    let runs = all.into_iter().zip(upstreams);
    join_all(runs.map(|((row, port, _), upstreams)| Run::new(row, port, Arc::clone(&dns), upstreams, &running).play()))
        .await
}

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // Whoever is signed by their own name is taken for self-signed.
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn acceptor(issuer: &Issuer, names: &[&str], alpn: &[&str]) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}
