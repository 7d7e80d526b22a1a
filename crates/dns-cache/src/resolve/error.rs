//! Why there is no resolver.

use std::io;

/// Why there is no name server to ask.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// The system's name servers could not be found out.
    #[error("no DNS resolver: {0}; name the servers yourself with --dns-server")]
    System(#[from] io::Error),
    /// A server that is asked over TLS could not be verified.
    #[error("no DNS resolver: {0}, so that no server could be asked over TLS")]
    Roots(String),
    /// The name of a server that is asked over TLS is none that a certificate can carry.
    #[error("no DNS resolver: no certificate can be for {0}")]
    Name(String),
}
