//! Opens connections to endpoints.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use backstay_model::Protocol;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::CertificateError;

use super::advice::advice;
use super::connect_error::ConnectError;
use super::member::Member;
use super::queue::ConnectionPermit;
use super::streams::{Executor, Streams};
use crate::backend::{Backend, FailedConnection, uptime};
use crate::connector::{Connector, Destination};
use crate::counts::{BackendMetrics, ConnectFailures};
use crate::settings::{Settings, ThreadContext};

/// Requests at once on one HTTP/2 connection, where neither the endpoint nor the policy says fewer.
pub(super) const MAX_STREAMS: u32 = 256;

/// A new connection, not yet pooled.
pub(super) enum Established<C: Connector> {
    Http1(C::Stream, ConnectionGuard),
    /// With how many requests the endpoint takes at once.
    Http2(http2::SendRequest<C::Body>, Rc<Cell<usize>>, Option<SocketAddr>),
}

/// Connects within the backend's timeout. `permit` is held until the connection has ended.
pub(super) async fn connect<C: Connector>(
    backend: &Backend,
    thread: &ThreadContext<C>,
    destination: &Destination,
    permit: ConnectionPermit,
    member: &Rc<Member>,
) -> Result<Established<C>, ConnectError> {
    let result =
        tokio::time::timeout(backend.timeouts.connect, establish(backend, thread, destination, permit, member))
            .await
            .unwrap_or(Err(ConnectError::Timeout));
    match &result {
        Ok(_) => {
            backend.metrics.connects.increment(1);
            backend.last_errors().connected(destination.address);
        }
        Err(error) => {
            count(error, &backend.metrics.connect_failures);
            note_failure(backend, destination.address, error);
        }
    }
    result
}

/// Notes why a connection to `address` was of no use, for whoever asks.
pub fn note_failure(backend: &Backend, address: SocketAddr, error: &ConnectError) {
    tracing::debug!(%error, backend = %backend.name, %address, "cannot connect");
    let failure = FailedConnection { address, error: error.to_string(), advice: advice(error), at: uptime() };
    backend.last_errors().connection_failed(failure);
}

async fn establish<C: Connector>(
    backend: &Backend,
    thread: &ThreadContext<C>,
    destination: &Destination,
    permit: ConnectionPermit,
    member: &Rc<Member>,
) -> Result<Established<C>, ConnectError> {
    let stream = thread.connector.connect(backend, destination).await?;
    let guard = ConnectionGuard::count(&backend.metrics, permit);
    match backend.protocol {
        Protocol::Http1 => Ok(Established::Http1(stream, guard)),
        Protocol::Http2 => {
            let settings = &thread.settings;
            // hyper has the stream from here on.
            let local = C::local(&stream);
            let streams = Streams::new(member);
            let (sender, connection) = http2::Builder::new(Executor(Rc::clone(&streams)))
                .timer(TokioTimer::new())
                .initial_stream_window_size(settings.stream_window)
                .initial_connection_window_size(connection_window(backend, settings))
                .max_header_list_size(u32::try_from(settings.head.max_size).unwrap_or(u32::MAX))
                .handshake(TokioIo::new(stream))
                .await
                .map_err(|error| ConnectError::Handshake(Arc::new(error)))?;
            let connection = Rc::new(RefCell::new(connection));
            streams.follow(&connection);
            tokio::task::spawn_local(async move {
                let ended = std::future::poll_fn(|cx| Pin::new(&mut *connection.borrow_mut()).poll(cx));
                if let Err(error) = ended.await {
                    tracing::debug!(%error, "an upstream connection ended with an error");
                }
                drop(guard);
            });
            Ok(Established::Http2(sender, Rc::clone(streams.allowed()), local))
        }
    }
}

/// Room for all requests that a connection may carry: answers that their clients do not read take up their own windows, and
/// must not hold up the answers beside them.
fn connection_window(backend: &Backend, settings: &Settings) -> u32 {
    /// RFC 9113, 6.9.1.
    const MAX: u32 = (1 << 31) - 1;
    let streams = backend.policy.connections.max_streams.map_or(MAX_STREAMS, NonZeroU32::get);
    settings.stream_window.saturating_mul(streams).min(MAX)
}

/// Counts an open connection for as long as it lives.
#[derive(Debug)]
pub struct ConnectionGuard(Arc<BackendMetrics>, #[expect(dead_code, reason = "held")] ConnectionPermit);

impl ConnectionGuard {
    pub(super) fn count(metrics: &Arc<BackendMetrics>, permit: ConnectionPermit) -> Self {
        metrics.connections.increment();
        Self(Arc::clone(metrics), permit)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.decrement();
        self.0.connections_closed.increment(1);
    }
}

fn count(error: &ConnectError, failures: &ConnectFailures) {
    let count = match error {
        ConnectError::Timeout => &failures.timeout,
        ConnectError::Io(_) => &failures.refused,
        ConnectError::Tls(error) => {
            let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
            match error {
                Some(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => &failures.name,
                Some(rustls::Error::InvalidCertificate(_)) => &failures.certificate,
                _ => &failures.tls,
            }
        }
        ConnectError::NotHttp2 | ConnectError::Handshake(_) | ConnectError::OwnAddress => &failures.protocol,
        // A limit of this proxy: counted there.
        ConnectError::Overflow(_) => return,
    };
    count.increment(1);
}
