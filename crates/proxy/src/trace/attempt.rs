//! What is sent to endpoints in a trace.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use backstay_trace::{Format, SpanId};
use http::HeaderMap;

use super::RequestTrace;

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) id: SpanId,
    pub(super) began: Instant,
    /// `None` while it goes on: then it ends with the request.
    pub(super) ended: Option<Instant>,
    pub(super) address: SocketAddr,
    /// The backend that it went to.
    pub(super) backend: Arc<str>,
    pub(super) status: Option<u16>,
    /// Why there was no answer.
    pub(super) error: Option<&'static str>,
}

impl RequestTrace {
    /// An attempt begins, to an endpoint of `backend` at `address`, which gets `headers`.
    pub(crate) fn attempt(&self, headers: &mut HeaderMap, backend: &Arc<str>, address: SocketAddr) {
        let (id, began) = (self.next_id(), Instant::now());
        let mut attempts = self.attempts.borrow_mut();
        // Whoever waited for the one before does so no longer.
        if let Some(before) = attempts.last_mut().filter(|before| before.ended.is_none()) {
            before.ended = Some(began);
            before.error = before.error.or_else(|| before.status.is_none().then_some("timeout"));
        }
        let backend = Arc::clone(backend);
        attempts.push(Attempt { id, began, ended: None, address, backend, status: None, error: None });
        drop(attempts);
        self.write(headers, id, Some(self.span));
    }

    /// A copy of the request is sent with `headers`: whoever gets it learns the span of the request. The copy has none of its own, since
    /// nobody waits for it.
    pub(crate) fn copied(&self, headers: &mut HeaderMap) {
        self.write(headers, self.span, self.parent);
    }

    fn write(&self, headers: &mut HeaderMap, span: SpanId, parent: Option<SpanId>) {
        let came = self.came.filter(|came| !self.rules.formats.contains(came));
        for format in self.rules.formats.iter().copied().chain(came) {
            let is_root = self.parent.is_none() || self.came != Some(Format::W3c);
            format.write(headers, self.id, span, parent, is_root);
        }
    }

    /// The attempt under way is answered.
    pub(crate) fn answered(&self, status: u16) {
        if let Some(attempt) = self.attempts.borrow_mut().last_mut() {
            attempt.status = Some(status);
        }
    }

    /// The attempt under way has failed.
    pub(crate) fn failed(&self, error: &'static str) {
        if let Some(attempt) = self.attempts.borrow_mut().last_mut() {
            (attempt.ended, attempt.error) = (Some(Instant::now()), Some(error));
        }
    }
}
