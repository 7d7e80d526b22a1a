//! Requests that a web page may have sent, refused before anything looks at them.

use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use backstay_guard::{PageGuard, Refusal};
use futures::TryFutureExt as _;
use futures::future::{Either, MapOk, Ready, ready};
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use metrics::Counter;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// Puts a [`PageGuard`] before a service.
#[derive(Clone, Debug)]
pub(crate) struct GuardLayer {
    guard: PageGuard,
    refused: Counter,
}

impl GuardLayer {
    /// Counts what it refuses.
    pub(crate) fn new(guard: PageGuard, refused: Counter) -> Self {
        Self { guard, refused }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { layer: self.clone(), inner }
    }
}

/// A service behind a [`GuardLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    layer: GuardLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: http_body::Body,
    R: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    #[allow(clippy::type_complexity, reason = "a name for it would say nothing more")]
    type Future = Either<Ready<Result<Response<Body>, S::Error>>, MapOk<S::Future, fn(Response<R>) -> Response<Body>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (headers, has_body) = (request.headers(), !request.body().is_end_stream());
        match self.layer.guard.check(request.version(), request.uri(), headers, has_body) {
            Ok(()) => Either::Right(self.inner.call(request).map_ok(|response| response.map(Body::new))),
            Err(refusal) => {
                self.layer.refused.increment(1);
                tracing::debug!(%refusal, "a request was refused");
                Either::Left(ready(Ok(answer(headers, &refusal))))
            }
        }
    }
}

/// The refusal in the words of whoever asks.
fn answer(headers: &HeaderMap, refusal: &Refusal) -> Response<Body> {
    let mut response = if is_grpc(headers) {
        let code = match refusal.status() {
            StatusCode::FORBIDDEN => Code::PermissionDenied,
            _ => Code::InvalidArgument,
        };
        Status::new(code, refusal.to_string()).into_http()
    } else {
        backstay_kube::refused(refusal.status(), refusal.to_string())
    };
    // It repeats what was sent, and is not to be taken for a page.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
