//! Requests to the API that change something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use backstay_store::origin;
use backstay_telemetry::attribute::{number, text};
use backstay_telemetry::{Span, SpanKind, Timed};
use backstay_trace::{Incoming, SpanId, TraceId};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::{Changes, INTERNAL, id};

/// A request that is sampled.
#[derive(Debug)]
pub(super) struct Request {
    trace: TraceId,
    /// The span of the request.
    pub(super) span: SpanId,
    /// The caller's.
    parent: Option<SpanId>,
    began: Timed,
    /// Whether it has changed anything: others are not told of.
    committed: AtomicBool,
}

impl Request {
    /// One that begins now, unless it is not sampled.
    pub(super) fn begin(changes: &Changes, headers: &HeaderMap) -> Option<Self> {
        let sampler = changes.0.as_ref()?.sampler;
        let (incoming, lower) = (Incoming::read(headers), rand::random());
        if !sampler.samples(incoming.as_ref(), lower) {
            return None;
        }
        let parent = incoming.and_then(|incoming| incoming.parent);
        let trace = parent.map_or_else(|| TraceId::new(rand::random(), lower), |parent| parent.trace);
        let (span, parent) = (id(), parent.map(|parent| parent.span));
        Some(Self { trace, span, parent, began: Timed::now(), committed: AtomicBool::new(false) })
    }

    /// It has changed something.
    pub(super) fn has_committed(&self) {
        self.committed.store(true, Relaxed);
    }

    /// A part of what comes of it.
    pub(super) fn span(&self, name: &str, parent: SpanId, (began, ended): (Instant, Instant), revision: u64) -> Span {
        let revision = i64::try_from(revision).unwrap_or(i64::MAX);
        Span {
            trace: self.trace,
            id: id(),
            parent: Some(parent),
            kind: INTERNAL,
            name: name.to_owned(),
            start: self.began.nanos(began),
            end: self.began.nanos(ended),
            attributes: vec![number("backstay.revision", revision)],
            error: None,
        }
    }
}

/// Looks after requests that change something, where anything is told of them.
pub(crate) fn follow(router: Router, changes: Changes) -> Router {
    if changes.0.is_none() { router } else { router.layer(from_fn_with_state(changes, layer)) }
}

async fn layer(State(changes): State<Changes>, request: axum::extract::Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let Some(of) = (!reads).then(|| Request::begin(&changes, request.headers())).flatten() else {
        return next.run(request).await;
    };
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Those of gRPC are few, and say more than POST.
    let name =
        if kind.starts_with("application/grpc") { path.trim_start_matches('/').to_owned() } else { method.clone() };
    let of = Arc::new(of);
    let response = origin::within(of.clone(), next.run(request)).await;
    if let Some(shared) = changes.0.as_ref().filter(|_| of.committed.load(Relaxed)) {
        let status = response.status();
        shared.tell(Span {
            trace: of.trace,
            id: of.span,
            parent: of.parent,
            kind: SpanKind::Server,
            name,
            start: of.began.nanos(of.began.instant()),
            end: of.began.nanos(Instant::now()),
            attributes: vec![
                text("http.request.method", method),
                text("url.path", path),
                number("http.response.status_code", status.as_u16()),
            ],
            error: status.is_server_error().then(String::new),
        });
    }
    response
}
