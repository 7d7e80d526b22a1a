//! The resolver on hickory: the system's name servers and hosts file, or given servers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_destination::hostname::is_dns_name;
use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;

use super::{Answer, DnsServer, RecordKind, Resolve, ServiceAnswer, ServiceRecord};

/// Questions under way at once, each of which holds a socket.
const MAX_QUESTIONS: usize = 256;
/// How long one question may take, its repetitions included. Below half of the default query timeout, so that when a server
/// is mute about one family, the other is still asked in time.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(2400);
/// An answer may carry more records than anyone would try.
const MAX_RECORDS: usize = 64;

/// There is nobody to ask.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's name servers could not be found out.
    #[error("no DNS resolver: {0}; name the servers yourself with --dns-server")]
    System(#[from] NetError),
    /// A server that is asked over TLS could not be verified.
    #[error("no DNS resolver: {0}, so that no server could be asked over TLS")]
    Roots(String),
}

/// Asks the system's name servers, or given ones: over UDP, and over TCP what does not fit; or over TCP or TLS alone.
///
/// Nothing is cached and names are asked as they are, without search domains. The hosts file is read, and
/// `localhost` is answered without a question (RFC 6761 6.3).
pub struct SystemResolver {
    resolver: TokioResolver,
    questions: Semaphore,
}

impl SystemResolver {
    /// A resolver that asks `servers`, or the system's name servers if there are none. Servers that are asked over TLS must
    /// present a certificate that the system trusts.
    ///
    /// # Errors
    /// When the system's configuration, or its certificates where they are needed, cannot be read.
    pub fn new(servers: &[DnsServer]) -> Result<Self, ResolverError> {
        let needs_roots = servers.iter().any(|server| matches!(server, DnsServer::Tls { .. }));
        Self::build(servers, if needs_roots { Some(system_roots()?) } else { None })
    }

    /// A resolver that asks `servers`, of which those that are asked over TLS must present a certificate that `roots` vouch for.
    ///
    /// # Errors
    /// As [`SystemResolver::new`].
    pub fn with_roots(servers: &[DnsServer], roots: RootCertStore) -> Result<Self, ResolverError> {
        Self::build(servers, Some(roots))
    }

    fn build(servers: &[DnsServer], roots: Option<RootCertStore>) -> Result<Self, ResolverError> {
        let mut builder = if servers.is_empty() {
            Resolver::builder_tokio()?
        } else {
            let servers = servers.iter().map(name_server).collect();
            Resolver::builder_with_config(ResolverConfig::from_name_servers(servers), TokioRuntimeProvider::default())
        };
        if let Some(roots) = roots {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| ResolverError::Roots(error.to_string()))?
                .with_root_certificates(roots)
                .with_no_client_auth();
            builder = builder.with_tls_config(config);
        }
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = QUESTION_TIMEOUT;
        options.attempts = 0;
        options.max_active_requests = MAX_QUESTIONS;
        // The least TTL of a chain counts, so the chain must be seen.
        options.preserve_intermediates = true;
        Ok(Self { resolver: builder.build()?, questions: Semaphore::new(MAX_QUESTIONS) })
    }

    /// The same servers with questions of its own: whoever asks through it waits for no question of the others, however many
    /// of theirs nobody answers.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { resolver: self.resolver.clone(), questions: Semaphore::new(MAX_QUESTIONS) }
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Lookup, Failure> {
        let mut name = Name::from_ascii(name).map_err(|_| Failure::Failed("misformatted_domain_name"))?;
        name.set_fqdn(true);
        // Never closed: an error cannot happen, and would only mean no limit.
        let _question = self.questions.acquire().await;
        match self.resolver.lookup(name.clone(), kind).await {
            // A server that says so at once may say better the next moment, and the wait after a failure is long.
            Err(NetError::Dns(DnsError::ResponseCode(_)) | NetError::Io(_)) => self.resolver.lookup(name, kind).await,
            first => first,
        }
        .map_err(|error| failure(&error))
    }

    async fn addresses(&self, name: &str, kind: RecordKind) -> Result<Answer, Failure> {
        let record_type = match kind {
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
        };
        let lookup = self.ask(name, record_type).await?;
        let addresses: Vec<IpAddr> = lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::A(address) => Some(address.0.into()),
                RData::AAAA(address) => Some(address.0.into()),
                _ => None,
            })
            .take(MAX_RECORDS)
            .collect();
        if addresses.is_empty() {
            return Err(Failure::Empty("nodata"));
        }
        Ok(Answer::Addresses(addresses, least_ttl(&lookup)))
    }

    async fn records(&self, name: &str) -> Result<ServiceAnswer, Failure> {
        let lookup = self.ask(name, RecordType::SRV).await?;
        let records: Vec<_> =
            lookup.answers().iter().filter_map(|record| service(&record.data)).take(MAX_RECORDS).collect();
        if records.is_empty() {
            return Err(Failure::Empty("nodata"));
        }
        Ok(ServiceAnswer::Records(records, least_ttl(&lookup)))
    }
}

fn least_ttl(lookup: &Lookup) -> Duration {
    Duration::from_secs(lookup.answers().iter().map(|record| record.ttl).min().unwrap_or(0).into())
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
            self.records(&name).await.unwrap_or_else(|failure| match failure {
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

fn name_server(server: &DnsServer) -> NameServerConfig {
    let connections = match server {
        DnsServer::Plain(_) => vec![ConnectionConfig::udp(), ConnectionConfig::tcp()],
        DnsServer::Tcp(_) => vec![ConnectionConfig::tcp()],
        // Nothing else beside it: what is to be private is not asked in the open when TLS fails.
        DnsServer::Tls { name, .. } => vec![ConnectionConfig::tls(Arc::clone(name))],
    };
    let address = server.address();
    let at_port = connections.into_iter().map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, at_port.collect())
}

fn system_roots() -> Result<RootCertStore, ResolverError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(ResolverError::Roots("the system's certificate authorities cannot be read".to_owned()));
    }
    Ok(roots)
}

/// Why there are no records, in one word; what the server said in a code is called by the code's name.
enum Failure {
    /// There are none.
    Empty(&'static str),
    /// Nobody knows.
    Failed(&'static str),
}

fn failure(error: &NetError) -> Failure {
    Failure::Failed(match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            return Failure::Empty("nxdomain");
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => return Failure::Empty("nodata"),
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => "servfail",
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => "refused",
        NetError::Dns(DnsError::ResponseCode(ResponseCode::FormErr)) => "formerr",
        NetError::Dns(DnsError::ResponseCode(ResponseCode::NotImp)) => "notimp",
        NetError::Dns(_) => "error_response",
        NetError::Timeout => "server_timeout",
        NetError::Io(_) | NetError::NoConnections => "server_unreachable",
        NetError::Busy => "too_many_questions",
        NetError::Proto(_) => "malformed_answer",
        _ => "resolver_error",
    })
}
