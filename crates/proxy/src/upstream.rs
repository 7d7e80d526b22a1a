//! Connections to endpoints, per thread.
//!
//! HTTP/1.1 connections are kept in a stack: the one used last is used next, so that few stay busy and the rest reach
//! their idle timeout. HTTP/2 connections are shared by requests up to the endpoint's own limit. Nothing here is locked;
//! a thread's connections are its own. Where a limit is reached, threads tell each other who waits, and give up what they do
//! not use.

mod advice;
mod connect;
mod duplex;
mod http1;
mod lease;
mod pending;
mod pool;
mod queue;
mod race;
mod share;
mod stock;
mod streams;
mod tls;
mod upstreams;

pub(crate) use advice::tls_error;
pub(crate) use backstay_http1::Error as Http1Error;
pub(crate) use connect::{ConnectError, note_failure};
pub(crate) use http1::Tunnel;
pub(crate) use lease::{Error, Incoming, LINGER, Lease};
pub(crate) use pending::Pending;
pub(crate) use pool::Pool;
pub(crate) use race::race;
pub(crate) use upstreams::{Chosen, Upstream, Upstreams};

/// Runs hyper's background work on the thread that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, work: F) {
        tokio::task::spawn_local(work);
    }
}
