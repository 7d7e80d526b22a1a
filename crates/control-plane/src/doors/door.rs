//! TLS of one address.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use backstay_auth::{CertificateAuthority, ClientCertificate};
use backstay_certificate::{Followed, Pair, ServerProtocols, Statement, TlsError, Trust, tls};
use backstay_resources::Timestamp;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::pace::Pace;
use crate::metrics::{DoorMetrics, Metrics};

/// A certificate that is shown, and may change.
pub(crate) type Shown = Arc<Followed<Pair>>;

/// How often it is looked how long the certificate still holds.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What is answered to HTTP without TLS, as Go's server does; a client that reads says it.
const PLAIN: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\n";

/// How much of such a request is read, so that the answer arrives before the connection is reset.
const PLAIN_BYTES: u64 = 64 << 10;

/// Limits of handshakes, of each address.
#[derive(Debug, Clone, Copy)]
pub struct DoorLimits {
    /// Handshakes that go on at once; more connections are closed on arrival. Default 512.
    pub handshakes: usize,
    /// Handshakes that begin in a second; more connections are closed on arrival. Default 1000.
    pub handshakes_per_second: usize,
    /// How long one may take. Default 10 s.
    pub handshake_timeout: Duration,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self { handshakes: 512, handshakes_per_second: 1000, handshake_timeout: Duration::from_secs(10) }
    }
}

/// TLS of one address: what it shows, and whose certificates it takes, as they are now.
#[derive(Debug)]
pub(crate) struct Door {
    name: &'static str,
    pair: Shown,
    /// Authorities of clients in files, and that of this very control plane.
    clients: Option<Arc<Followed<Trust>>>,
    /// Authorities of front proxies, in a file.
    front_proxies: Option<Arc<Followed<Trust>>>,
    own: Option<Trust>,
    protocols: ServerProtocols,
    config: ArcSwap<ServerConfig>,
    slots: Semaphore,
    pace: Pace,
    timeout: Duration,
    metrics: DoorMetrics,
    /// The certificate that was said to expire soon.
    warned: Mutex<Option<String>>,
}

/// Whose certificates an address takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Believed {
    /// Authorities of clients, in a file.
    pub(super) clients: Option<Arc<Followed<Trust>>>,
    /// Authorities of front proxies, in a file.
    pub(super) front_proxies: Option<Arc<Followed<Trust>>>,
    /// The authority that this very control plane is.
    pub(super) own: Option<Trust>,
}

/// The end of the year 9999, as far as times are told: certificates without an end say that year (RFC 5280, section 4.1.2.5).
const LATEST: i64 = 253_402_207_200;

/// The certificates that a client has shown, the first its own.
pub(crate) type Chain = Arc<[CertificateDer<'static>]>;

impl Door {
    pub(super) fn new(
        name: &'static str,
        pair: Shown,
        believed: Believed,
        protocols: ServerProtocols,
        limits: DoorLimits,
        metrics: &Metrics,
    ) -> Result<Self, TlsError> {
        let metrics = metrics.door(name);
        let Believed { clients, front_proxies, own } = believed;
        let believed = trust([clients.as_deref(), front_proxies.as_deref()], own.as_ref());
        let config = ArcSwap::new(tls::server(&pair.get(), believed.as_ref(), protocols)?);
        let slots = Semaphore::new(limits.handshakes.min(Semaphore::MAX_PERMITS));
        let pace = Pace::new(limits.handshakes_per_second);
        let timeout = limits.handshake_timeout;
        let warned = Mutex::default();
        let door =
            Self { name, pair, clients, front_proxies, own, protocols, config, slots, pace, timeout, metrics, warned };
        door.tell();
        Ok(door)
    }

    /// Follows the files, and tells how long the certificate still holds, for as long as it is polled.
    pub(super) async fn keep(&self) {
        let follow = async |trust: &Option<Arc<Followed<Trust>>>| match trust {
            Some(trust) => trust.follow().await,
            None => std::future::pending().await,
        };
        let (clients, front_proxies) = (follow(&self.clients), follow(&self.front_proxies));
        tokio::join!(self.pair.follow(), clients, front_proxies, self.rebuild(), self.watch());
    }

    async fn rebuild(&self) {
        let mut pair = self.pair.changes();
        let changes = |trust: &Option<Arc<Followed<Trust>>>| trust.as_ref().map(|trust| trust.changes());
        let (mut clients, mut front_proxies) = (changes(&self.clients), changes(&self.front_proxies));
        loop {
            tokio::select! {
                _ = pair.changed() => {}
                () = changed(&mut clients) => {}
                () = changed(&mut front_proxies) => {}
            }
            match tls::server(&self.pair.get(), self.trust().as_ref(), self.protocols) {
                Ok(config) => self.config.store(config),
                Err(error) => tracing::warn!(door = self.name, %error, "TLS stays as it was"),
            }
            self.tell();
        }
    }

    async fn watch(&self) {
        loop {
            self.tell();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Tells how long the certificate still holds; where it is less than a fifth of its life, once aloud.
    fn tell(&self) {
        let statement = &self.pair.get().statement;
        let now = SystemTime::now();
        let left = statement.left(now);
        let over = now.duration_since(statement.not_after).unwrap_or_default();
        self.metrics.expires.set(left.as_secs_f64() - over.as_secs_f64());
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if left < statement.life() / 5 && warned.as_ref() != Some(&statement.fingerprint) {
            *warned = Some(statement.fingerprint.clone());
            let (door, hours) = (self.name, left.as_secs() / 3600);
            tracing::warn!(door, hours, fingerprint = statement.fingerprint, "the certificate expires soon");
        }
    }

    /// Those whose certificates are taken in a handshake.
    fn trust(&self) -> Option<Trust> {
        trust([self.clients.as_deref(), self.front_proxies.as_deref()], self.own.as_ref())
    }

    /// Tells of changes of the authorities of clients.
    pub(super) fn clients_changes(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        self.clients.as_ref().map(|clients| clients.changes())
    }

    /// Whether these certificates still lead to an authority that is believed.
    pub(super) fn believes(&self, chain: &[CertificateDer<'static>]) -> bool {
        let clients = trust([self.clients.as_deref(), None], self.own.as_ref());
        clients.is_some_and(|trust| tls::believes(&trust, chain))
    }

    /// What authorities vouch for these certificates as, after a handshake has found that any does.
    fn authority_of(&self, chain: &[CertificateDer<'static>]) -> CertificateAuthority {
        let Some(front_proxies) = &self.front_proxies else {
            return CertificateAuthority { clients: true, front_proxies: false };
        };
        let front_proxies = tls::believes(&front_proxies.get(), chain);
        CertificateAuthority { clients: self.believes(chain), front_proxies }
    }

    /// What a client has shown, once its chain is verified: the certificates, and what the first says.
    pub(crate) fn shown(&self, stream: &TlsStream<TcpStream>) -> Option<(Chain, Arc<ClientCertificate>)> {
        let certificates = stream.get_ref().1.peer_certificates()?;
        let chain: Chain = certificates.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let statement = match Statement::of(chain.first()?) {
            Ok(statement) => statement,
            Err(error) => {
                tracing::debug!(%error, "a client certificate is not understood, as if it were not shown");
                return None;
            }
        };
        let seconds = statement.not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let certificate = ClientCertificate {
            common_name: statement.common_name,
            organizations: statement.organizations,
            uris: statement.uris,
            not_after: Timestamp::from_second(i64::try_from(seconds).unwrap_or(LATEST).min(LATEST)),
            fingerprint: statement.fingerprint,
            authority: self.authority_of(&chain),
        };
        Some((chain, Arc::new(certificate)))
    }

    /// Makes TLS of a connection. `None` where that fails, or there are too many: it is closed then.
    pub(crate) async fn handshake(&self, mut stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let Some(_slot) = self.slots.try_acquire().ok().filter(|_| self.pace.take()) else {
            self.metrics.refused.increment(1);
            return None;
        };
        let shaken = async {
            // A handshake begins with a byte that no method of HTTP does.
            let mut first = [0];
            if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
                answer_plain(&mut stream).await?;
                return Ok(None);
            }
            TlsAcceptor::from(self.config.load_full()).accept(stream).await.map(Some)
        };
        match timeout(self.timeout, shaken).await {
            Ok(Ok(Some(stream))) => {
                self.metrics.done.increment(1);
                return Some(stream);
            }
            Ok(Ok(None)) => self.metrics.plain.increment(1),
            Ok(Err(error)) => {
                tracing::debug!(door = self.name, %error, "a handshake failed");
                self.metrics.failed.increment(1);
            }
            Err(_) => self.metrics.late.increment(1),
        }
        None
    }
}

/// All of them together.
fn trust(files: [Option<&Followed<Trust>>; 2], own: Option<&Trust>) -> Option<Trust> {
    let files = files.into_iter().flatten().map(|file| Trust::clone(&file.get()));
    files.chain(own.cloned()).reduce(|one, other| one.and(&other))
}

async fn changed(changes: &mut Option<tokio::sync::watch::Receiver<u64>>) {
    match changes {
        Some(changes) => drop(changes.changed().await),
        None => std::future::pending().await,
    }
}

async fn answer_plain(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(PLAIN_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
