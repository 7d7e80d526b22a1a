//! The admin endpoint: readiness, metrics, and what the proxy holds.
//!
//! | request | answer |
//! |---|---|
//! | `GET /ready` | 200 once a configuration is in force; 503 before that and while draining, with the reason |
//! | `POST /unready`, `POST /healthcheck/fail` | has `/ready` fail, and clients go elsewhere with their next requests |
//! | `POST /ready`, `POST /healthcheck/ok` | takes that back |
//! | `GET /livez` | 200 for as long as the control thread answers, while draining too |
//! | `GET /metrics` | Prometheus text |
//! | `GET /stats/prometheus` | the same under Envoy's names, as far as these mean the same |
//! | `GET /` | version, how long it runs, what is wrong in words, and what there is here |
//! | `GET /config_dump` | resources in force and refused, as JSON, without secrets |
//! | `GET /backends` | backends and the addresses of their endpoints |
//! | `GET /certs` | certificates: subject, names, days left, the listeners that present them |
//! | `GET /dns` | names: addresses, time to the next lookup, state, last error |
//! | `GET /listeners` | listening sockets, their listeners and what they wait for |
//! | `GET /memory` | memory of the process, and what of it is counted |
//! | `GET /tap?…` | requests as they end, as server-sent events, for an hour at most; parameters as `backstay tap` has options |
//! | `GET /top?…` | figures of routes and backends, an interval after another, likewise |
//! | `POST /logging?level=debug&for=60s` | logs that for a while, in the syntax of `RUST_LOG`; an hour at most |
//! | `POST /drain` | asks the process to finish what it does and end |
//!
//! The first four are also what `--monitoring` serves, for other machines.
//!
//! The endpoint has no authentication and is meant for loopback. A web page that a person on this host looks at must not reach it
//! either: what a [`PageGuard`](backstay_guard::PageGuard) does not let pass is refused.

mod answer;
mod context;
mod dump;
mod live;
mod overview;
mod troubles;
mod views;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use http_body_util::Either;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::process::{Descriptors, Seldom};

pub(crate) use answer::told;
pub(crate) use context::Admin;

#[cfg(test)]
mod tests;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may live.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);

/// Serves until it is dropped.
pub(crate) async fn serve(admin: Admin, listener: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin endpoint cannot be served");
            return;
        }
    };
    let permits = Arc::new(Semaphore::new(admin.limits.max_admin_connections));
    let mut connections = tokio::task::JoinSet::new();
    let said = Seldom::default();
    loop {
        while connections.try_join_next().is_some() {}
        admin.descriptors.refill();
        let stream = match accept(&listener, &admin.descriptors).await {
            Ok(stream) => stream,
            Err(error) => {
                if said.may_be_said() {
                    tracing::warn!(%error, "a connection to the admin endpoint was not accepted");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Beyond the limit connections are closed at once.
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            admin.control.admin_refused.increment(1);
            continue;
        };
        let admin = admin.clone();
        let descriptors = Arc::clone(&admin.descriptors);
        connections.spawn(async move {
            // Set once an answer goes on for longer than connections live otherwise.
            let goes_on = Arc::<AtomicBool>::default();
            let looked_at = Arc::clone(&goes_on);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let answer = answer::any(&admin, &request);
                looked_at.fetch_or(matches!(answer.body(), Either::Right(_)), Relaxed);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut connection = std::pin::pin!(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .max_buf_size(16 << 10)
                    .serve_connection(TokioIo::new(stream), service)
            );
            // What went wrong with one connection is of interest to its client alone.
            let ended = tokio::time::timeout(CONNECTION_TIMEOUT, connection.as_mut()).await;
            if ended.is_err() && goes_on.load(Relaxed) {
                let _ = tokio::time::timeout(live::LONGEST, connection).await;
            }
            // At once, before anybody else takes what the connection had.
            descriptors.refill();
            drop(permit);
        });
    }
}

/// The next connection, with a descriptor that is kept back if there is no other.
async fn accept(listener: &tokio::net::TcpListener, kept: &Descriptors) -> io::Result<TcpStream> {
    poll_fn(|cx| {
        match kept.spend(|| match listener.poll_accept(cx) {
            Poll::Ready(accepted) => accepted.map(Some),
            Poll::Pending => Ok(None),
        }) {
            Ok(Some((stream, _))) => Poll::Ready(Ok(stream)),
            Ok(None) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    })
    .await
}
