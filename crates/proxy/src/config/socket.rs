//! One listening address.

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_model::ClientLimits;
use backstay_model::route::Table;

use super::{Rule, Unmatched};

/// One address and port, with all listeners that share it.
#[derive(Debug)]
pub struct Socket {
    /// Address to bind; `[::]` binds IPv4 too. Port 0 lets the system choose (for tests).
    pub address: SocketAddr,
    /// Names of the listener resources, for messages to the operator.
    pub listeners: Vec<Arc<str>>,
    /// Set to speak TLS: certificates by server name, ALPN `h2` and `http/1.1` (see [`crate::tls::server_config`]).
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What clients may ask here, where that is not what the proxy allows all of them.
    pub limits: Option<Arc<ClientLimits>>,
    /// Which rule serves a request.
    pub table: Table<Arc<Rule>, Arc<Unmatched>>,
}
