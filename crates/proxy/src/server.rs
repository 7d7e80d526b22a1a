//! Listening sockets, connections from clients, and the threads that serve them.
//!
//! Each data thread is a world of its own: a single-threaded runtime, its own listening sockets (the kernel spreads new
//! connections over them, `SO_REUSEPORT`), its own connections to upstreams. A connection never moves between threads.
//! The control side talks to the threads through [`Workers`] only.

mod accept;
mod activity;
mod bind;
mod connection;
mod context;
mod data_thread;
mod ending;
mod framing;
mod http1;
mod io;
mod limits;
mod registry;
mod service;
mod streams;
mod workers;

pub use bind::BindError;
pub use limits::{LimitError, Limits, Setting};
pub use workers::{Options, Workers};

pub(crate) use context::{ClientConnection, Exchange, Reading};
pub(crate) use data_thread::DataThread;
pub(crate) use ending::Cause;
pub(crate) use streams::StreamActivity;
