//! The data plane: serves traffic as its configuration says.
//!
//! # Layout
//!
//! - [`config`]: what the request path runs on, already validated.
//! - [`tls`]: TLS to clients. [`local_reply`]: answers of the proxy's own.
//! - [`route`]: which rule serves a request.
//! - [`server`]: listening sockets, connections from clients, and the threads that serve them.
//! - `forward`, `filter`: the way of a request to an endpoint and back, over the pools of `backstay_upstream`.
//! - [`access`]: the access log. [`counts`]: what is counted. [`metrics`]: what is exported of it.
//! - [`Proxy`]: one proxy, from start to drain. Its control thread subscribes to the control plane, checks what
//!   arrives ([`backstay_model`]) and puts it in force (`control`); resolves names (`dns`); keeps the last good configuration on disk (`state`); and serves
//!   the `admin` endpoint.

pub mod access;
mod admin;
pub mod config;
mod control;
pub mod counts;
mod dns;
mod filter;
mod forward;
pub mod local_reply;
pub mod metrics;
mod proxy;
pub mod route;
pub mod server;
mod state;
pub mod tls;
mod upstream;

pub use backstay_dns_cache::DnsServer;
pub use proxy::{AccessLog, Options, Proxy, RunError, StartError};
pub use server::{LimitError, Limits, Setting};
pub use state::StateError;
