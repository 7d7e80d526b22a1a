//! Writes down what was done, and what was refused.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::response::Response;
use backstay_auth::Peer;
use backstay_auth::audit::{Audit, Event, Stage};
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue, StatusCode};

use super::gate::Gate;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
/// Where a status of gRPC is in an answer that has no body.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Length of what a handler says of its request, in characters.
const MAX_ANNOTATION: usize = 4096;

/// The event of a request, as far as it is known. The steps within fill it in.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail(Option<Arc<Mutex<Kept>>>);

#[derive(Debug)]
struct Kept {
    event: Event,
    /// Whether it is written though the request was allowed.
    keep: bool,
    /// Whether the answer goes on for long.
    goes_on: bool,
}

impl Trail {
    /// Of a request; one that keeps nothing where there is no log.
    pub(super) fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Adds to the event.
    pub(super) fn update(&self, change: impl FnOnce(&mut Event)) {
        if let Some(kept) = &self.0 {
            change(&mut kept.lock().unwrap_or_else(PoisonError::into_inner).event);
        }
    }

    /// Says something of the event that only its handler knows.
    pub(super) fn annotate(extensions: &http::Extensions, name: &str, value: &str) {
        if let Some(trail) = extensions.get::<Self>() {
            trail.update(|event| {
                let value = value.chars().take(MAX_ANNOTATION).collect();
                event.annotations.insert(name.to_owned(), value);
            });
        }
    }

    /// Says whether it is written though the request is allowed, and whether the answer goes on for long.
    pub(super) fn keep_if(&self, keep: bool, goes_on: bool) {
        if let Some(kept) = &self.0 {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            (kept.keep, kept.goes_on) = (keep, goes_on);
        }
    }
}

/// Around the others: what they refuse is written as well. `answer` is what answers the request.
pub(super) async fn written<F>(gate: &Gate, mut request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !gate.audit.is_on() {
        return answer(request).await;
    }
    let headers = request.headers();
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let id = Event::id(text(&AUDIT_ID));
    let (verb, uri) = (request.method().as_str().to_ascii_lowercase(), request.uri().to_string());
    let mut event = Event::new(id.clone(), &verb, &uri, text(&USER_AGENT).unwrap_or_default());
    if let Some(peer) = request.extensions().get::<Peer>() {
        event.source_ips.push(peer.address.ip().to_canonical().to_string());
    }
    let kept = Arc::new(Mutex::new(Kept { event, keep: false, goes_on: false }));
    request.extensions_mut().insert(Trail(Some(Arc::clone(&kept))));
    let mut unanswered = Unanswered { audit: gate.audit.clone(), kept: Some(kept) };
    let mut response = answer(request).await;
    if let Some(event) = unanswered.answered(code(&response)) {
        gate.audit.recorded(&event).await;
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(AUDIT_ID, id);
    }
    response
}

/// The code of an answer. gRPC refuses with 200 and a status of its own.
fn code(response: &Response) -> u16 {
    let status = response.headers().get(GRPC_STATUS).and_then(|status| status.to_str().ok());
    match status {
        Some("16") => StatusCode::UNAUTHORIZED.as_u16(),
        Some("7") => StatusCode::FORBIDDEN.as_u16(),
        _ => response.status().as_u16(),
    }
}

/// An event that has no answer yet. What is dropped before it has one is written nevertheless: what was begun may have been done.
struct Unanswered {
    audit: Audit,
    kept: Option<Arc<Mutex<Kept>>>,
}

impl Unanswered {
    /// The event, with its answer, if it is to be written.
    fn answered(&mut self, code: u16) -> Option<Event> {
        let kept = self.kept.take()?;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_refused = matches!(code, 401 | 403);
        if kept.goes_on && !is_refused {
            kept.event.stage = Stage::ResponseStarted;
        }
        kept.event.answered(code);
        (kept.keep || is_refused).then(|| kept.event.clone())
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.keep {
            let why = "the client went away before it was answered".to_owned();
            kept.event.annotations.insert("backstay.dev/outcome".to_owned(), why);
            self.audit.record(&kept.event);
        }
    }
}
