//! The resolver: the system's name servers and hosts file, or given servers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_proto::rr::{RData, RecordType};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::attempt::Way;
use super::chain::{Led, follow};
use super::connections::{Connections, Dial};
use super::edns::EdnsMemory;
use super::exchange::NameServer;
use super::file::SystemFile;
use super::joint::Joint;
use super::message::{Fault, Question, Reading};
use super::port::Ports;
use super::spelling::{from_wire, to_wire};
use super::system::{HOSTS, Hosts, RESOLV_CONF, SystemServers, roots};
use super::tcp::Tcp;
use super::{Answer, DnsServer, RecordKind, Resolve, ResolverError, ServiceAnswer, ServiceRecord};

#[cfg(test)]
mod tests;

/// Questions under way at once: more than the names that a cache of default size asks for together. They share sockets, so that this
/// bounds memory alone.
const MAX_QUESTIONS: usize = 8192;
/// Answers followed from alias to alias, each a question of its own.
const MAX_HOPS: u32 = 8;
/// Records taken of an answer, all of which are tried where need be. A message could carry four times as many, which whoever answers for
/// a name could have kept for each of the names that a cache holds.
pub(crate) const MAX_RECORDS: usize = 1024;
/// How long an address of the hosts file is good for: no longer than a change of the file may go unseen, since to ask again costs no
/// question.
const FIXED_TTL: Duration = Duration::from_secs(5);

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
/// `localhost` is answered without a question (RFC 6761 6.3). The system's files are read again when they change.
pub struct SystemResolver {
    common: Arc<Common>,
    /// What is not shared with the others: the sockets to the servers of this moment.
    joint: ArcSwap<(Arc<Servers>, Joint)>,
    questions: Semaphore,
}

/// What a resolver shares with those made [apart](SystemResolver::apart) from it.
struct Common {
    hosts: SystemFile<Hosts>,
    servers: Source,
}

/// Where the servers are from.
enum Source {
    Given(Arc<Servers>),
    System(SystemFile<Servers>),
}

/// The servers that are asked, and whether with an OPT record.
struct Servers {
    list: Vec<Server>,
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

    fn build(given: &[DnsServer], roots: RootCertStore) -> Result<Self, ResolverError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ResolverError::Roots(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        let servers = match given {
            [] => Source::System(system_servers(RESOLV_CONF.into(), tls)?),
            given => {
                let list = given.iter().map(|server| Server::new(server, &tls)).collect::<Result<_, _>>()?;
                Source::Given(Arc::new(Servers { list, edns: true }))
            }
        };
        Ok(Self::sharing(Arc::new(Common { hosts: system_hosts(HOSTS.into()), servers })))
    }

    /// The same servers with sockets and questions of its own: whoever asks through it waits for no question of the others, however
    /// many of theirs nobody answers.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::sharing(Arc::clone(&self.common))
    }

    fn sharing(common: Arc<Common>) -> Self {
        let servers = common.servers();
        let joint = ArcSwap::from_pointee((Arc::clone(&servers), servers.joint()));
        Self { common, joint, questions: Semaphore::new(MAX_QUESTIONS) }
    }

    /// The sockets to the servers of this moment. Questions that are open stay where they are.
    fn joint(&self) -> Arc<(Arc<Servers>, Joint)> {
        let servers = self.common.servers();
        let joint = self.joint.load_full();
        if Arc::ptr_eq(&joint.0, &servers) {
            return joint;
        }
        let joint = Arc::new((Arc::clone(&servers), servers.joint()));
        self.joint.store(Arc::clone(&joint));
        joint
    }

    /// What `found` makes of the records of a name, with the least TTL on the way to them.
    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        found: impl Fn(&RData) -> Option<T>,
    ) -> Result<(Vec<T>, Duration), Failure> {
        let mut name = to_wire(name).ok_or(Failure::Failed("misformatted_domain_name"))?;
        // Never closed: an error cannot happen, and would only mean no limit.
        let _question = self.questions.acquire().await;
        let mut least = Duration::MAX;
        let joint = self.joint();
        for _ in 0..MAX_HOPS {
            let answer = joint.1.ask(&Question::new(name.clone(), kind)).await.map_err(Failure::from)?;
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
        let fixed = self.common.hosts.load().find(name, kind);
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

impl Common {
    fn servers(&self) -> Arc<Servers> {
        match &self.servers {
            Source::Given(servers) => Arc::clone(servers),
            Source::System(file) => file.load(),
        }
    }
}

impl Servers {
    fn joint(&self) -> Joint {
        Joint::new(self.list.iter().map(Server::name_server).collect(), self.edns)
    }
}

/// The addresses of `name` in `message`, which came from a name server, and for how long they are good: as a lookup reads it, apart from
/// one. `None` if it is no answer to the question for them.
pub fn read_addresses(name: &str, kind: RecordKind, message: &[u8]) -> Option<(Vec<IpAddr>, Duration)> {
    let record_type = match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
    };
    let question = Question::new(to_wire(name)?, record_type);
    let id = u16::from_be_bytes(*message.first_chunk()?);
    let Reading::Answer(answer) = question.read(id, message) else { return None };
    let (led, ttl) = follow(&answer, question.name(), record_type);
    let Led::To(records) = led else { return Some((Vec::new(), ttl)) };
    Some((records.into_iter().filter_map(RData::ip_addr).take(MAX_RECORDS).collect(), ttl))
}

/// The name servers of a file like resolv.conf(5).
fn system_servers(path: PathBuf, tls: TlsConnector) -> io::Result<SystemFile<Servers>> {
    SystemFile::read(path, move |bytes| {
        let SystemServers { servers, edns } = SystemServers::of_file(bytes)?;
        let list = servers.iter().map(|server| Server::new(server, &tls));
        Ok(Servers { list: list.collect::<Result<_, _>>().map_err(io::Error::other)?, edns })
    })
}

/// The names of a file like hosts(5); none where there is no such file.
fn system_hosts(path: PathBuf) -> SystemFile<Hosts> {
    SystemFile::read_or(path, |bytes| Ok(Hosts::of_file(bytes)), Hosts::default())
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
    let target = from_wire(&record.target).filter(|_| record.port > 0)?;
    Some(ServiceRecord { priority: record.priority, weight: record.weight, target: target.into(), port: record.port })
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
