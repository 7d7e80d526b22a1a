//! Listening sockets, connections from clients, and the threads that serve them.
//!
//! Each data thread is a world of its own: a single-threaded runtime, its own listening sockets (the kernel spreads new
//! connections over them, `SO_REUSEPORT`), its own connections to upstreams. A connection never moves between threads.
//! The control side talks to the threads through [`Workers`] only. What becomes of a request is for the service to say that the
//! threads are handed (`exchange::Service`); nothing else here knows it.
//!
//! # Layout
//!
//! - [`Workers`] (`workers`): the control side's handle on the threads, which hands them their service. `bind`: listening sockets,
//!   opened off the threads. `run`: the life of one thread.
//! - `accept`: new connections. `connection`: one of them, from its first byte to its end. `http1`: a connection of HTTP/1.1,
//!   which is parked while it is idle. `http2`: one of HTTP/2, and the answers on its streams.
//! - `io`: the bytes of a client. `framing`: where its requests end, so that none is smuggled. `frames`: those of HTTP/2 that are sent
//!   for nothing.
//! - `service`: where hyper hands over requests of HTTP/1.1.

mod accept;
mod bind;
mod connection;
mod frames;
mod framing;
mod http1;
mod http2;
mod io;
mod run;
mod service;
mod workers;

pub use crate::limits::{LimitError, Limits, Setting};
pub use bind::BindError;
pub(crate) use workers::Leaver;
pub use workers::{Options, Traces, Workers};
