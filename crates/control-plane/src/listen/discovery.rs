//! The address of discovery: gRPC over HTTP/2, on connections that do not live for ever.

use std::convert::Infallible;
use std::time::Duration;

use backstay_xds::server::Gathered;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metrics::Counter;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::service::Routes;
use tower::{Layer as _, ServiceExt as _};

use super::accept::{Accept, Connection};
use super::age::AgeLimits;
use super::guarded::GuardLayer;
use super::peer::PeerLayer;
use crate::doors::{AdmissionLayer, until};

/// How long what is left of a connection may take to end, once its streams were told to.
const LAST: Duration = Duration::from_secs(5);

/// What is served there, and to whom.
#[derive(Clone)]
pub(crate) struct Discovery {
    pub(crate) guard: GuardLayer,
    pub(crate) admission: AdmissionLayer,
    pub(crate) routes: Routes,
    pub(crate) ages: AgeLimits,
    /// Connections that were told to end because of their age.
    pub(crate) retired: Counter,
}

/// Serves these to proxies until `stop`.
pub(crate) async fn serve_xds(accept: Accept, discovery: Discovery, stop: CancellationToken) {
    let mut arrivals = accept.into_stream();
    let connections = TaskTracker::new();
    loop {
        let arrival = tokio::select! {
            () = stop.cancelled() => break,
            arrival = futures::StreamExt::next(&mut arrivals) => arrival,
        };
        let Some(Ok(connection)) = arrival else { break };
        connections.spawn(serve(connection, discovery.clone(), stop.clone()));
    }
    drop(arrivals);
    connections.close();
    connections.wait().await;
}

/// Serves one connection, to its end.
async fn serve(connection: Connection, discovery: Discovery, stop: CancellationToken) {
    let age = discovery.ages.draw(&mut rand::rng());
    let other = connection.other().clone();
    let aged = CancellationToken::new();
    let Discovery { guard, admission, routes, ages, retired } = discovery;
    let inner = guard.layer(PeerLayer.layer(admission.layer(routes)));
    let over = aged.clone();
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (mut request, inner, over) = (request.map(tonic::body::Body::new), inner.clone(), over.clone());
        request.extensions_mut().insert(other.clone());
        let ended: BoxFuture<'static, Status> = async move {
            over.cancelled().await;
            Status::unavailable("the connection is as old as it may become; connect again")
        }
        .boxed();
        let answer = async move {
            let answer = inner.oneshot(request).await.unwrap_or_else(|never| match never {});
            Ok::<_, Infallible>(answer)
        };
        until(answer, ended)
    });
    let mut served = std::pin::pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10))
            .serve_connection(TokioIo::new(Gathered::new(connection)), service)
    );
    let retire = async {
        match age {
            Some(age) => sleep(age).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = &mut served => return,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            // Its streams end by themselves.
            let _ = served.await;
            return;
        }
        () = retire => retired.increment(1),
    }
    served.as_mut().graceful_shutdown();
    tokio::select! {
        _ = &mut served => return,
        () = stop.cancelled() => {}
        () = sleep(ages.grace) => {}
    }
    aged.cancel();
    let _ = timeout(LAST, served).await;
}
