//! Connections to the endpoints of backends, per thread.
//!
//! HTTP/1.1 connections are kept in a stack: the one used last is used next, so that few stay busy and the rest reach
//! their idle timeout. HTTP/2 connections are shared by requests up to the endpoint's own limit. Nothing here is locked;
//! a thread's connections are its own. Where a limit is reached, threads tell each other who waits, and give up what they do
//! not use.
//!
//! Who sends the requests is not known here, nor what their bodies are: a [`Connector`] says both what bytes go over and what a
//! body is, and [`Settings`] what a pool is held to. A test connects pools to its own memory.
//!
//! # Layout
//!
//! - `backend`: a [`Backend`] as it is served, its endpoints, what last went wrong there. [`counts`]: what is counted of it.
//! - `upstreams`: what a thread keeps for each backend, and the choice of an endpoint. `pool`: the connections to one of them.
//! - `stock`: connections that carry no request, and who waits for one. `queue`: who waits, in order. `pending`: how a request
//!   that waits counts. `member`: the thread, as the others know it. `share`: what threads tell each other.
//! - `lease`: the right to send one request. `duplex`: an answer that comes while its request is still being sent. `idle`: where a
//!   connection goes that carries no request any more.
//! - `connector`: what bytes go over. `connect`: a connection opened. `race`: several tried at once. `connect_error`: why there is
//!   none. `advice`: what to look at then.
//! - `http1`, `streams`: what a pool knows of connections of HTTP/1.1 and HTTP/2. `stream`: a request's stream on one of the latter.
//!   `received`: a body as it comes.
//! - `io`: TCP with or without TLS. [`tls`]: TLS to endpoints.

mod advice;
mod backend;
mod connect;
mod connect_error;
mod connector;
pub mod counts;
mod duplex;
mod http1;
mod idle;
mod io;
mod lease;
mod member;
mod pending;
mod pool;
mod queue;
mod race;
mod received;
mod settings;
mod share;
mod stock;
mod stream;
mod streams;
pub mod tls;
mod upstreams;

pub use advice::tls_error;
pub use backend::{
    Addresses, Backend, BackendId, BackendParts, Discovery, Dynamic, Endpoint, Endpoints, FailedConnection, LastErrors,
    Lookup, PoolIdentity, Resolve, Resolved, Unresolved, uptime,
};
pub use connect::{ConnectionGuard, note_failure};
pub use connect_error::ConnectError;
pub use connector::{Connector, Destination, OwnAddresses, Tcp};
pub use duplex::LINGER;
pub use http1::Tunnel;
pub use io::Io;
pub use lease::{Error, Incoming, Lease, Unanswered};
pub use pending::Pending;
pub use pool::{Pool, Reuse};
pub use race::race;
pub use settings::Settings;
pub use stream::Origin;
pub use upstreams::{SelectedEndpoint, Upstream, Upstreams};

#[cfg(test)]
mod tests;
