//! Opens connections to endpoints.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::Overflow;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;

use super::advice::advice;
use super::http1::Stream;
use super::pool::Destination;
use super::queue::Place;
use super::stock::Member;
use super::streams::{Executor, Streams};
use super::tls::TlsStream;
use crate::config::{Backend, Discovery, FailedConnection, Protocol, uptime};
use crate::forward::RequestBody;
use crate::metrics::{BackendMetrics, ConnectFailures};
use crate::server::{Io, Shared};

/// Requests at once on one HTTP/2 connection, where neither the endpoint nor the policy says fewer.
pub(super) const MAX_STREAMS: u32 = 256;

/// Why there is no connection.
#[derive(Debug, Clone, Error)]
pub(crate) enum ConnectError {
    #[error("no connection within the connect timeout")]
    Timeout,
    #[error("{0}")]
    Io(Arc<io::Error>),
    #[error("TLS: {0}")]
    Tls(Arc<io::Error>),
    #[error("the endpoint does not speak HTTP/2")]
    NotHttp2,
    #[error("{0}")]
    Handshake(Arc<hyper::Error>),
    #[error("the address belongs to this proxy")]
    OwnAddress,
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// A new connection, not yet pooled.
pub(super) enum Established {
    Http1(Stream, Open),
    /// With how many requests the endpoint takes at once.
    Http2(http2::SendRequest<RequestBody>, Rc<Cell<usize>>),
}

/// Connects within the backend's timeout. `place` is held until the connection has ended.
pub(super) async fn connect(
    backend: &Backend,
    shared: &Shared,
    destination: &Destination,
    place: Place,
    member: &Rc<Member>,
) -> Result<Established, ConnectError> {
    let result = tokio::time::timeout(backend.timeouts.connect, establish(backend, shared, destination, place, member))
        .await
        .unwrap_or(Err(ConnectError::Timeout));
    match &result {
        Ok(_) => backend.metrics.connects.increment(1),
        Err(error) => {
            count(error, &backend.metrics.connect_failures);
            note_failure(backend, destination.address, error);
        }
    }
    result
}

/// Notes why a connection to `address` was of no use, for whoever asks.
pub(crate) fn note_failure(backend: &Backend, address: SocketAddr, error: &ConnectError) {
    tracing::debug!(%error, backend = %backend.name, %address, "cannot connect");
    let failure = FailedConnection { address, error: error.to_string(), advice: advice(error), at: uptime() };
    backend.trouble().connection_failed(failure);
}

async fn establish(
    backend: &Backend,
    shared: &Shared,
    destination: &Destination,
    place: Place,
    member: &Rc<Member>,
) -> Result<Established, ConnectError> {
    let stream = TcpStream::connect(destination.address).await.map_err(|error| ConnectError::Io(Arc::new(error)))?;
    if matches!(backend.discovery, Discovery::Dynamic(_)) && is_own(&stream, &shared.own.load()) {
        return Err(ConnectError::OwnAddress);
    }
    let _ = stream.set_nodelay(true);
    let keepalive = backend.policy.connections.keepalive;
    let probe = socket2::TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval);
    let probe = match keepalive.probes {
        Some(probes) => probe.with_retries(probes),
        None => probe,
    };
    let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&probe);

    let io = match (&backend.tls, &destination.server_name) {
        (Some(tls), Some(name)) => {
            let name: ServerName<'static> = name.clone();
            let stream = TlsStream::connect(&tls.config, name, stream)
                .await
                .map_err(|error| ConnectError::Tls(Arc::new(error)))?;
            backend.metrics.tls_handshakes.increment(1);
            if backend.protocol == Protocol::Http2 && stream.protocol() != Some(b"h2") {
                return Err(ConnectError::NotHttp2);
            }
            Io::Tls(Box::new(stream))
        }
        _ => Io::Plain(stream),
    };
    let open = Open::count(&backend.metrics, place);
    match backend.protocol {
        Protocol::Http1 => Ok(Established::Http1(io, open)),
        Protocol::Http2 => {
            let streams = Streams::new(member);
            let (sender, connection) = http2::Builder::new(Executor(Rc::clone(&streams)))
                .timer(TokioTimer::new())
                .initial_stream_window_size(shared.limits.stream_window)
                .initial_connection_window_size(connection_window(backend, shared))
                .max_header_list_size(u32::try_from(shared.limits.max_head_size).unwrap_or(u32::MAX))
                .handshake(TokioIo::new(io))
                .await
                .map_err(|error| ConnectError::Handshake(Arc::new(error)))?;
            let connection = Rc::new(RefCell::new(connection));
            streams.follow(&connection);
            tokio::task::spawn_local(async move {
                let ended = std::future::poll_fn(|cx| Pin::new(&mut *connection.borrow_mut()).poll(cx));
                if let Err(error) = ended.await {
                    tracing::debug!(%error, "an upstream connection ended with an error");
                }
                drop(open);
            });
            Ok(Established::Http2(sender, Rc::clone(streams.allowed())))
        }
    }
}

/// Room for all requests that a connection may carry: answers that their clients do not read take up their own windows, and
/// must not hold up the answers beside them.
fn connection_window(backend: &Backend, shared: &Shared) -> u32 {
    /// RFC 9113, 6.9.1.
    const MAX: u32 = (1 << 31) - 1;
    let streams = backend.policy.connections.max_streams.map_or(MAX_STREAMS, NonZeroU32::get);
    shared.limits.stream_window.saturating_mul(streams).min(MAX)
}

/// Whether the other end is this process. Whatever name or address led here, the kernel has chosen the addresses of both ends
/// by now: to reach oneself, this end's is the same as the other's, or both are loopback addresses.
fn is_own(stream: &TcpStream, own: &[SocketAddr]) -> bool {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return false };
    let (address, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let here = address == local || address.is_loopback();
    own.iter().any(|own| {
        let everywhere = own.ip().is_unspecified() && here;
        own.port() == peer.port() && (everywhere || own.ip().to_canonical() == address)
    })
}

/// Counts an open connection for as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Arc<BackendMetrics>, #[expect(dead_code, reason = "held")] Place);

impl Open {
    pub(super) fn count(metrics: &Arc<BackendMetrics>, place: Place) -> Self {
        metrics.connections.increment();
        Self(Arc::clone(metrics), place)
    }
}

impl Drop for Open {
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
