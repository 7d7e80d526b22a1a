//! What the request path runs on: sockets, and the rules that serve their requests. Immutable, and shared by all threads.
//!
//! The control side builds a [`Config`] from the checked configuration ([`backstay_model`]) and hands it to the workers in one
//! step. Everything that could be wrong has been refused by then: a request never meets a configuration error, and never
//! parses anything that an operator wrote. What changes while a configuration is in force is not here: the rules lead to backends
//! ([`crate::backend`]), which keep their identity (the same [`std::sync::Arc`]), and with it their connections and
//! balancing state, when an update does not touch them.

mod rule;
mod socket;

pub use rule::{Action, Filters, Forward, Mirror, Rule, Target, WeightedTarget, WeightedTargets};
pub use socket::Socket;

// What used to be configuration, and is found where it is now: in the model, beside the backends, in TLS.
pub use crate::backend::{
    Addresses, Backend, BackendId, BackendParts, Discovery, Dynamic, Endpoint, Endpoints, FailedConnection, LineageId,
    Lookup, Resolve, Resolved, Trouble, uptime,
};
pub use crate::refusal::{Flag, Refusal};
pub use crate::tls::{
    ClientOptions, ClientTls, ServerNames, TlsError, Trust, client_config, server_config, system_roots,
};
pub use backstay_model::{
    Allowed, BackendSpec, Connections, HashCookie, HashKind, HashPolicy, HeaderEdit, HealthCheck, HostPattern,
    HostRewrite, HttpProbe, InvalidHost, InvalidLoopId, Keepalive, LoopGuard, PathEdit, Policy, Probe, Protocol,
    Redirect, Respond, Retry, Timeouts, cipher_suite, cipher_suite_names,
};

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
