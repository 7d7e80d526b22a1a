//! Backends: what is spoken to them, where their endpoints come from, and how requests are spread, bounded and repeated.
//!
//! # Layout
//!
//! - `definition`: a [`Backend`] and its [`BackendSpec`]. `discovery`: where it is. `transport`, `tls`, `policy`, `health`,
//!   `loops`: its parts.
//! - `balancing`, `requests`, `endpoints`, `dynamic` and `health/read` read parts from the wire format. `cipher`: what TLS can be asked
//!   to offer.

mod balancing;
mod cipher;
mod definition;
mod discovery;
mod dynamic;
mod endpoints;
mod health;
mod loops;
mod policy;
mod requests;
mod tls;
mod transport;

pub use cipher::{cipher_suite, cipher_suite_names, tls_versions};
pub use definition::{Backend, BackendSpec};
pub use discovery::{Allowed, Discovery, DynamicDiscovery, StaticEndpoint, StaticEndpoints, StaticHost};
pub use health::{HealthCheck, HttpProbe, Probe};
pub use loops::{InvalidLoopId, LoopGuard, is_token};
pub use policy::{Connections, HashCookie, HashKind, HashPolicy, HostRewrite, Keepalive, Policy, Retry};
pub use tls::TlsSpec;
pub use transport::{OnSilence, Protocol, Timeouts};
