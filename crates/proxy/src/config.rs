//! What the request path runs on: immutable, already validated, shared by all threads.
//!
//! The control side builds a [`Config`] from the wire messages and hands it to the workers in one step. Everything that
//! could be wrong has been refused by then: a request never meets a configuration error, and never parses anything that
//! an operator wrote. Objects that an update does not touch keep their identity (the same [`std::sync::Arc`]), so
//! connection pools and balancing state survive unrelated changes.

mod backend;
mod client_tls;
mod discovery;
mod endpoints;
mod filter;
mod health;
mod loops;
mod policy;
mod refusal;
mod rule;
mod socket;
mod tls;
mod trouble;

pub use backstay_destination::{HostPattern, InvalidHost};
pub use backend::{Backend, BackendId, BackendSpec, LineageId, Protocol, Timeouts};
pub use client_tls::{ClientOptions, Trust, cipher_suite, cipher_suite_names};
pub use discovery::{Allowed, Discovery, Dynamic, Endpoint, Lookup, Resolve, Resolved};
pub use endpoints::{Addresses, Endpoints, uptime};
pub use filter::{Filters, HeaderEdit, Mirror, PathEdit};
pub use health::{HealthCheck, HttpProbe, Probe};
pub(crate) use loops::is_token;
pub use loops::{InvalidLoopId, LoopGuard};
pub use policy::{Connections, HashCookie, HashKind, HashPolicy, HostRewrite, Keepalive, Policy, Retry};
pub use refusal::{Flag, Refusal};
pub use rule::{Action, Forward, Redirect, Respond, Rule, Target, WeightedTarget, WeightedTargets};
pub use socket::Socket;
pub use tls::{ClientTls, ServerNames, TlsError, client_config, server_config, system_roots};
pub use trouble::{FailedConnection, Trouble};

use std::collections::HashMap;
use std::sync::Arc;

/// One consistent state of the data plane.
#[derive(Debug, Default)]
pub struct Config {
    /// Listening sockets; no two share an address and port.
    pub sockets: Vec<Arc<Socket>>,
    /// All backends by the name of their resource, used by a route or not.
    pub backends: HashMap<Arc<str>, Arc<Backend>>,
}
