//! The two addresses: the API, one port for REST, gRPC admin, metrics and health; and discovery.

mod accept;
mod age;
mod bound;
mod discovery;
mod first_byte_timeout;
mod gather;
mod guarded;
mod lingering;
mod peer;
mod write_timeout;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backstay_auth::Peer;
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

pub(crate) use self::accept::Accept;
use self::accept::Connection;
pub use self::age::AgeLimits;
pub(crate) use self::bound::Bound;
pub(crate) use self::discovery::{Discovery, serve_xds};
use self::gather::Gather;
pub(crate) use self::guarded::{GuardLayer, Guarded};
use self::lingering::{WINDOW, linger};
use self::write_timeout::WriteTimeout;
use crate::access::Protected;
use crate::metrics::Metrics;
use crate::shared::Shared;

/// Limits of the API's connections.
#[derive(Debug, Clone, Copy)]
pub struct ApiLimits {
    /// Connections open at once; more are closed on arrival. Default 4096.
    pub connections: usize,
    /// How long a client may take to begin, and to send a request's headers. Default 10 s.
    pub header_timeout: Duration,
    /// How long a client may take nothing of an answer; then its connection is closed. Default 60 s.
    pub write_timeout: Duration,
    /// How long open requests may take to end after a shutdown began. Default 10 s.
    pub drain: Duration,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves `api` until `shutdown`, then until open requests end or the drain time is over.
pub(crate) async fn serve(
    accept: Accept,
    api: Guarded<Protected>,
    shared: Arc<Shared>,
    (limits, metrics): (ApiLimits, Metrics),
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = std::pin::pin!(shutdown);
    let builder = builder(limits);
    loop {
        let arrival = tokio::select! {
            () = &mut shutdown => break,
            arrival = accept.next() => arrival,
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            metrics.api_connections_refused.increment(1);
            continue;
        };
        let (builder, api, shared, watcher) = (builder.clone(), api.clone(), shared.clone(), graceful.watcher());
        let open = metrics.api_connections.clone();
        tokio::spawn(async move {
            let Some(stream) = arrival.establish().await else { return };
            let peer = stream.other().peer.clone();
            let stream = Gather::either(WriteTimeout::new(stream, limits.write_timeout));
            let connection = stream.serve(|stream| watcher.watch(connection(&builder, stream, peer, api, shared)));
            open.increment(1.0);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the API ended");
            }
            open.decrement(1.0);
            drop(slot);
        });
    }
    drop(accept);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests to the API were cut off, they took too long to end");
    }
}

fn builder(limits: ApiLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .initial_stream_window_size(WINDOW)
        .max_concurrent_streams(1000);
    builder
}

fn connection(
    builder: &auto::Builder<TokioExecutor>,
    stream: Gather<WriteTimeout<Connection>>,
    peer: Peer,
    api: Guarded<Protected>,
    shared: Arc<Shared>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = Box<dyn std::error::Error + Send + Sync>> + Send + 'static
{
    let service = hyper::service::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        let (api, shared) = (api.clone(), shared.clone());
        request.extensions_mut().insert(peer.clone());
        let has_connections = request.version() < Version::HTTP_2;
        async move {
            let response = api.oneshot(linger(request)).await;
            let mut response = response.unwrap_or_else(|never| match never {});
            // Clients of HTTP/1.1 open other connections while this process is about to end: one that it closes may be in use by then.
            // Those of HTTP/2 are told by GOAWAY which of their requests were served.
            if has_connections && shared.is_leaving() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned()
}
