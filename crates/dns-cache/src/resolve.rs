//! The resolver behind the cache.

mod attempt;
mod chain;
mod connections;
mod edns;
mod error;
mod exchange;
mod file;
mod frame;
mod joint;
mod message;
mod port;
mod preemptible;
mod resolver;
mod server;
mod spelling;
mod system;
mod tcp;
mod waiters;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

pub use error::ResolverError;
pub(crate) use resolver::MAX_RECORDS;
pub use resolver::{SystemResolver, read_addresses};
pub use server::{DnsServer, DnsServerError};

/// What one question to DNS came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// At least one address, in the server's order, and the least TTL of the records that led to them.
    Addresses(Vec<IpAddr>, Duration),
    /// The server knows that there is none. The reason is one word, as `nxdomain`.
    Empty(Arc<str>),
    /// Nobody knows. The reason is one word, as `servfail`.
    Failed(Arc<str>),
}

/// The type of record asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RecordKind {
    /// IPv4.
    A,
    /// IPv6.
    Aaaa,
}

/// What a question for the servers of a service came to (RFC 2782).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServiceAnswer {
    /// At least one record, and the least TTL of the records that led to them.
    Records(Vec<ServiceRecord>, Duration),
    /// The server knows that there is none, or that the service is not offered. The reason is one word, as `nxdomain`.
    Empty(Arc<str>),
    /// Nobody knows. The reason is one word, as `servfail`.
    Failed(Arc<str>),
}

/// One server of a service.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServiceRecord {
    /// 0 comes first.
    pub priority: u16,
    /// Share of the requests among records of one priority. 0 is next to none.
    pub weight: u16,
    /// Its name, in lower case and without a trailing dot.
    pub target: Arc<str>,
    /// Its port. Not 0.
    pub port: u16,
}

/// Asks DNS, once. Dropping the future drops the question.
pub trait Resolve: Send + Sync + 'static {
    /// Asks for the records of `kind` of `name`, a full name without a trailing dot.
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer>;

    /// Asks for the SRV records of `name`, a full name without a trailing dot.
    fn services(&self, name: Arc<str>) -> BoxFuture<'_, ServiceAnswer>;
}
