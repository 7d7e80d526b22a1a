//! Who sends requests to the API, and what they may do: three steps before everything that the address serves, whichever dialect it
//! speaks.
//!
//! - `options`: what is asked for, and where that is written down. `gate`: what the steps share.
//! - `audit`, `authenticate`, `authorize`: the steps, the first one around the others.
//! - `remote`: other servers that are asked.
//! - `attributes`: what a request is about. `answer`: refusals in the words of whoever asks.

mod answer;
mod attributes;
mod audit;
mod authenticate;
mod authorize;
mod gate;
mod options;
pub(crate) mod remote;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use futures::future::BoxFuture;
use tower::{Service, ServiceExt as _};

pub use self::gate::{AccessLimits, AuditLimits};
pub(crate) use self::gate::{AccessMetrics, Gate};
pub use self::options::{AccessError, AccessOptions, TokenIssuer, TokenKeys};

/// Says something in the audit event of a request that only its handler knows.
pub(crate) fn annotate(extensions: &http::Extensions, name: &str, value: &str) {
    audit::Trail::annotate(extensions, name, value);
}

/// Everything that an address serves, behind the steps.
#[derive(Debug, Clone)]
pub(crate) struct Protected {
    gate: Arc<Gate>,
    router: Router,
}

/// Puts the steps before everything that `router` serves, its fallback included: nothing is reached but through them. They stand before it
/// and not in it, since each layer of a router costs each request services and futures of its own.
pub(crate) fn protect(router: Router, gate: &Gate) -> Protected {
    Protected { gate: Arc::new(gate.clone()), router }
}

impl Service<Request> for Protected {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { gate, router } = self.clone();
        Box::pin(async move { Ok(audit::written(&gate, request, |request| admitted(&gate, request, router)).await) })
    }
}

/// The answer to a request, which is a refusal unless it may be served.
async fn admitted(gate: &Gate, request: Request, router: Router) -> Response {
    let request = match authenticate::check(gate, request).await {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    match authorize::check(gate, request).await {
        Ok(request) => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
        Err(refusal) => *refusal,
    }
}
