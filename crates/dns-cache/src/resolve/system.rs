//! The resolver on hickory: the system's name servers and hosts file, or given servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use tokio::sync::Semaphore;

use super::{Answer, RecordKind, Resolve};

/// Questions under way at once, each of which holds a socket.
const MAX_QUESTIONS: usize = 256;
/// How long one question may take, its repetitions included. Below half of the default query timeout, so that when a server
/// is mute about one family, the other is still asked in time.
const QUESTION_TIMEOUT: Duration = Duration::from_millis(2400);
/// An answer may carry more addresses than anyone would try.
const MAX_ADDRESSES: usize = 64;

/// The system's name servers could not be found out.
#[derive(Debug, thiserror::Error)]
#[error("no DNS resolver: {0}; name the servers yourself with --dns-server")]
pub struct ResolverError(#[from] NetError);

/// Asks the system's name servers, or given ones, over UDP, and over TCP what does not fit.
///
/// Nothing is cached and names are asked as they are, without search domains. The hosts file is read, and
/// `localhost` is answered without a question (RFC 6761 6.3).
pub struct SystemResolver {
    resolver: TokioResolver,
    questions: Semaphore,
}

impl SystemResolver {
    /// A resolver that asks `servers`, or the system's name servers if there are none.
    ///
    /// # Errors
    /// When the system's configuration cannot be read.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, ResolverError> {
        let mut builder = if servers.is_empty() {
            Resolver::builder_tokio()?
        } else {
            let servers = servers.iter().map(|server| name_server(*server)).collect();
            Resolver::builder_with_config(ResolverConfig::from_name_servers(servers), TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = QUESTION_TIMEOUT;
        options.attempts = 0;
        options.max_active_requests = MAX_QUESTIONS;
        // The least TTL of a chain counts, so the chain must be seen.
        options.preserve_intermediates = true;
        Ok(Self { resolver: builder.build()?, questions: Semaphore::new(MAX_QUESTIONS) })
    }

    async fn ask(&self, name: &str, kind: RecordKind) -> Answer {
        let Ok(mut name) = Name::from_ascii(name) else {
            return Answer::Failed("misformatted_domain_name".into());
        };
        name.set_fqdn(true);
        // Never closed: an error cannot happen, and would only mean no limit.
        let _question = self.questions.acquire().await;
        match self.ask_once(name.clone(), kind).await {
            // A server that says so at once may say better the next moment, and the wait after a failure is long.
            Err(NetError::Dns(DnsError::ResponseCode(_)) | NetError::Io(_)) => self.ask_once(name, kind).await,
            first => first,
        }
        .unwrap_or_else(|error| failure(&error))
    }

    async fn ask_once(&self, name: Name, kind: RecordKind) -> Result<Answer, NetError> {
        let record_type = match kind {
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
        };
        let lookup = self.resolver.lookup(name, record_type).await?;
        let mut ttl = u32::MAX;
        let mut addresses = Vec::new();
        for record in lookup.answers() {
            ttl = ttl.min(record.ttl);
            match &record.data {
                RData::A(address) if addresses.len() < MAX_ADDRESSES => addresses.push(address.0.into()),
                RData::AAAA(address) if addresses.len() < MAX_ADDRESSES => addresses.push(address.0.into()),
                _ => {}
            }
        }
        if addresses.is_empty() {
            return Ok(Answer::Empty("nodata".into()));
        }
        Ok(Answer::Addresses(addresses, Duration::from_secs(ttl.into())))
    }
}

impl Resolve for SystemResolver {
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer> {
        async move { self.ask(&name, kind).await }.boxed()
    }
}

impl std::fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemResolver").finish_non_exhaustive()
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

/// One word for what went wrong; what the server said in a code is called by the code's name.
fn failure(error: &NetError) -> Answer {
    let word = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NXDomain => {
            return Answer::Empty("nxdomain".into());
        }
        NetError::Dns(DnsError::NoRecordsFound(_)) => return Answer::Empty("nodata".into()),
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
    };
    Answer::Failed(word.into())
}
