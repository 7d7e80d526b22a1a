//! The resolver behind the cache.

mod system;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

pub use system::{ResolverError, SystemResolver};

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

/// Asks DNS, once. Dropping the future drops the question.
pub trait Resolve: Send + Sync + 'static {
    /// Asks for the records of `kind` of `name`, a full name without a trailing dot.
    fn query(&self, name: Arc<str>, kind: RecordKind) -> BoxFuture<'_, Answer>;
}
