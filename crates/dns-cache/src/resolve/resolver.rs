//! The resolver: the system's name servers and hosts file, or given servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use backstay_destination::hostname::is_dns_name;
use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_proto::rr::{Name, RData, RecordType};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::attempt::Way;
use super::chain::{Led, follow};
use super::connections::{Connections, Dial};
use super::edns::EdnsMemory;
use super::exchange::NameServer;
use super::joint::Joint;
use super::message::{Fault, Question};
use super::port::Ports;
use super::system::{Hosts, SystemServers, roots};
use super::tcp::Tcp;
use super::{Answer, DnsServer, RecordKind, Resolve, ResolverError, ServiceAnswer, ServiceRecord};

/// Questions under way at once: more than the names that a cache of default size asks for together. They share sockets, so that this
/// bounds memory alone.
const MAX_QUESTIONS: usize = 8192;
/// Answers followed from alias to alias, each a question of its own.
const MAX_HOPS: u32 = 8;
/// An answer may carry more records than anyone would try.
const MAX_RECORDS: usize = 64;
/// How long an address of the hosts file, which is read once, is good for.
const FIXED_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks the system's name servers, or given ones.
///
/// A [plain](DnsServer::Plain) server is asked each question over UDP, from a port of its own, and what does not fit is asked for
/// over a TCP connection that no other question waits on. A server that is asked over [TCP](DnsServer::Tcp) or
/// [TLS](DnsServer::Tls) alone gets up to 16 connections, which are kept; a question goes to one that is free, or to a new one, and
/// when there are as many as may be, to the one with the fewest, whose server may answer in any order. A question that is not
/// answered is asked again, over another connection, and a connection that brings nothing gets no more of them.
///
/// The first two servers are asked at once, one more whenever one of them fails or when 600 ms have brought no answer. A question
/// takes 2.4 s at most. Nothing is remembered of servers or connections that a name which nobody answers could do to another;
/// only that a server needs questions without an OPT record (RFC 6891 6.2.2), for ten minutes.
///
/// Nothing is cached and names are asked as they are, without search domains. The hosts file is read, and
/// `localhost` is answered without a question (RFC 6761 6.3).
pub struct SystemResolver {
    common: Arc<Common>,
    /// What is not shared with the others.
    joint: Joint,
    questions: Semaphore,
}

/// What a resolver shares with those made [apart](SystemResolver::apart) from it.
struct Common {
    hosts: Hosts,
    servers: Vec<Server>,
    edns: bool,
}

/// A server, and how it is asked.
struct Server {
    address: SocketAddr,
    over: Transport,
    edns: Arc<EdnsMemory>,
}

enum Transport {
    Udp,
    Tcp,
    Tls(TlsConnector, ServerName<'static>),
}

impl SystemResolver {
    /// A resolver that asks `servers`, or the system's name servers if there are none. Servers that are asked over TLS must
    /// present a certificate that the system trusts.
    ///
    /// # Errors
    /// When the system's configuration, or its certificates where they are needed, cannot be read.
    pub fn new(servers: &[DnsServer]) -> Result<Self, ResolverError> {
        let needs_roots = servers.iter().any(|server| matches!(server, DnsServer::Tls { .. }));
        Self::build(servers, if needs_roots { roots()? } else { RootCertStore::empty() })
    }

    /// A resolver that asks `servers`, of which those that are asked over TLS must present a certificate that `roots` vouch for.
    ///
    /// # Errors
    /// As [`SystemResolver::new`].
    pub fn with_roots(servers: &[DnsServer], roots: RootCertStore) -> Result<Self, ResolverError> {
        Self::build(servers, roots)
    }

    fn build(servers: &[DnsServer], roots: RootCertStore) -> Result<Self, ResolverError> {
        let SystemServers { servers, edns } = if servers.is_empty() {
            SystemServers::read()?
        } else {
            SystemServers { servers: servers.to_vec(), edns: true }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ResolverError::Roots(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        let servers = servers.iter().map(|server| Server::new(server, &tls)).collect::<Result<_, _>>()?;
        Ok(Self::sharing(Arc::new(Common { hosts: Hosts::read(), servers, edns })))
    }

    /// The same servers with sockets and questions of its own: whoever asks through it waits for no question of the others, however
    /// many of theirs nobody answers.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::sharing(Arc::clone(&self.common))
    }

    fn sharing(common: Arc<Common>) -> Self {
        let joint = Joint::new(common.servers.iter().map(Server::name_server).collect(), common.edns);
        Self { common, joint, questions: Semaphore::new(MAX_QUESTIONS) }
    }

    /// What `found` makes of the records of a name, with the least TTL on the way to them.
    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        found: impl Fn(&RData) -> Option<T>,
    ) -> Result<(Vec<T>, Duration), Failure> {
        let mut name = Name::from_ascii(name).map_err(|_| Failure::Failed("misformatted_domain_name"))?;
        name.set_fqdn(true);
        // Never closed: an error cannot happen, and would only mean no limit.
        let _question = self.questions.acquire().await;
        let mut least = Duration::MAX;
        for _ in 0..MAX_HOPS {
            let answer = self.joint.ask(&Question::new(name.clone(), kind)).await.map_err(Failure::from)?;
            let (led, ttl) = follow(&answer, &name, kind);
            least = least.min(ttl);
            match led {
                Led::To(records) => {
                    let records: Vec<_> = records.into_iter().filter_map(&found).take(MAX_RECORDS).collect();
                    return if records.is_empty() { Err(Failure::Empty("nodata")) } else { Ok((records, least)) };
                }
                Led::On(target) => name = target,
                Led::NoName => return Err(Failure::Empty("nxdomain")),
                Led::NoData => return Err(Failure::Empty("nodata")),
            }
        }
        Err(Failure::Empty("nodata"))
    }

    async fn addresses(&self, name: &str, kind: RecordKind) -> Result<Answer, Failure> {
        let fixed = self.common.hosts.find(name, kind);
        if !fixed.is_empty() {
            return Ok(Answer::Addresses(fixed, FIXED_TTL));
        }
        let (record_type, loopback) = match kind {
            RecordKind::A => (RecordType::A, IpAddr::from(Ipv4Addr::LOCALHOST)),
            RecordKind::Aaaa => (RecordType::AAAA, IpAddr::from(Ipv6Addr::LOCALHOST)),
        };
        match special(name) {
            Some(Special::Loopback) => return Ok(Answer::Addresses(vec![loopback], FIXED_TTL)),
            Some(Special::Nowhere) => return Err(Failure::Empty("nxdomain")),
            None => {}
        }
        let (addresses, ttl) = self.records(name, record_type, RData::ip_addr).await?;
        Ok(Answer::Addresses(addresses, ttl))
    }

    async fn service_records(&self, name: &str) -> Result<ServiceAnswer, Failure> {
        match special(name) {
            Some(Special::Loopback) => return Err(Failure::Empty("nodata")),
            Some(Special::Nowhere) => return Err(Failure::Empty("nxdomain")),
            None => {}
        }
        let (records, ttl) = self.records(name, RecordType::SRV, service).await?;
        Ok(ServiceAnswer::Records(records, ttl))
    }
}

impl Server {
    fn new(server: &DnsServer, tls: &TlsConnector) -> Result<Self, ResolverError> {
        let over = match server {
            DnsServer::Plain(_) => Transport::Udp,
            DnsServer::Tcp(_) => Transport::Tcp,
            // Nothing else beside it: what is to be private is not asked in the open when TLS fails.
            DnsServer::Tls { name, .. } => {
                let name =
                    ServerName::try_from(name.to_string()).map_err(|_| ResolverError::Name(server.to_string()))?;
                Transport::Tls(tls.clone(), name)
            }
        };
        Ok(Self { address: server.address(), over, edns: Arc::default() })
    }

    fn name_server(&self) -> NameServer {
        let connections = |tls| Way::Connections(Connections::new(Dial { address: self.address, tls }));
        let way = match &self.over {
            Transport::Udp => Way::Datagrams(Ports::new(self.address), Tcp::new(self.address)),
            Transport::Tcp => connections(None),
            Transport::Tls(connector, name) => connections(Some((connector.clone(), name.clone()))),
        };
        NameServer { way, edns: Arc::clone(&self.edns) }
    }
}

/// Names that no server is asked for (RFC 6761 6.3 and 6.4, RFC 7686 2).
enum Special {
    Loopback,
    Nowhere,
}

fn special(name: &str) -> Option<Special> {
    match name.rsplit('.').next() {
        Some("localhost") => Some(Special::Loopback),
        Some("invalid" | "onion") => Some(Special::Nowhere),
        _ => None,
    }
}

/// A record that leads somewhere: the target `.` says that the service is not offered here (RFC 2782).
fn service(data: &RData) -> Option<ServiceRecord> {
    let RData::SRV(record) = data else {
        return None;
    };
    let target = record.target.to_ascii().to_ascii_lowercase();
    let target = target.strip_suffix('.').unwrap_or(&target);
    (record.port > 0 && is_dns_name(target)).then(|| ServiceRecord {
        priority: record.priority,
        weight: record.weight,
        target: target.into(),
        port: record.port,
    })
}

impl Resolve for SystemResolver {
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer> {
        async move {
            self.addresses(&name, kind).await.unwrap_or_else(|failure| match failure {
                Failure::Empty(reason) => Answer::Empty(reason.into()),
                Failure::Failed(reason) => Answer::Failed(reason.into()),
            })
        }
        .boxed()
    }

    fn services(&self, name: Arc<str>) -> BoxFuture<'_, ServiceAnswer> {
        async move {
            self.service_records(&name).await.unwrap_or_else(|failure| match failure {
                Failure::Empty(reason) => ServiceAnswer::Empty(reason.into()),
                Failure::Failed(reason) => ServiceAnswer::Failed(reason.into()),
            })
        }
        .boxed()
    }
}

impl std::fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemResolver").finish_non_exhaustive()
    }
}

/// Why there are no records, in one word; what the server said in a code is called by the code's name.
enum Failure {
    /// There are no such records.
    Empty(&'static str),
    /// No server could tell.
    Failed(&'static str),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.reason())
    }
}
