//! The data plane: serves traffic as its configuration says.
//!
//! # Layout
//!
//! From the bottom up; a module takes only from those above it in this list, and from its own files.
//!
//! - [`tokens`]: what tokens of requests are verified with.
//! - [`config`]: what the request path runs on, already validated. [`route`]: which rule serves a request. `filter`: what a rule
//!   changes on the way.
//! - `limits`: what clients may ask for. `upgrades`: what their connections may change to. `trust`: who may ask for others.
//! - [`tls`]: TLS to clients. [`local_reply`]: answers of the proxy's own.
//! - [`counts`]: what is counted. [`access`]: the access log. `trace`: what is recorded of requests that are sampled. `process`: what the system lets this process have.
//! - `live`: requests as somebody looks at them while they happen.
//! - `activity`: what connections and requests are doing, told to the sweep.
//! - `body`: bodies of requests. `upstream`: the pools of `backstay_upstream`, for these bodies.
//! - `data_thread`: what a data thread keeps. `exchange`: a request in flight and the connection that it came on, and who serves it.
//! - `forward`: the way of a request to an endpoint and back.
//! - [`server`]: listening sockets, connections from clients, and the threads that serve them, with what `forward` offers.
//! - `state`: the last good configuration on disk. `dns`: names. [`metrics`]: what is exported.
//! - `plane`: the way to the control plane.
//! - `control`: puts in force what the control plane sends, checked by [`backstay_model`]. `admin`: the admin endpoint.
//! - `attend`: shows the control plane what requests are served, when somebody asks there.
//! - `report`: tells the control plane how backends fare.
//! - [`subscriber`]: the way to the control plane, and what is kept of it, for a process that serves no traffic.
//! - [`Proxy`]: one proxy, from start to drain.

pub mod access;
mod activity;
mod admin;
mod attend;
mod body;
pub mod config;
mod control;
mod conventions;
pub mod counts;
mod data_thread;
mod dns;
mod exchange;
mod filter;
mod forward;
mod limits;
mod live;
pub mod local_reply;
pub mod metrics;
mod plane;
mod process;
mod proxy;
mod report;
pub mod route;
pub mod server;
mod state;
pub mod subscriber;
pub mod tls;
pub mod tokens;
mod trace;
mod trust;
mod upgrades;
mod upstream;

pub use access::LogOverrides;
pub use backstay_dns_cache::DnsServer;
pub use backstay_seal::{Keys, KeysError};
pub use backstay_telemetry::Environment;
pub use limits::{LimitError, Limits, Setting};
pub use live::Live;
pub use plane::{Access, AccessError};
pub use proxy::{AccessLog, Options, Proxy, RunError, StartError};
pub use state::StateError;
pub use trust::Trust;
pub use upgrades::{UpgradeError, Upgrades};
