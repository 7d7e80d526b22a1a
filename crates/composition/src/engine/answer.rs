//! What is made of one answer.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::failure::CallError;
use crate::decode::{Decoder, undo_gzip};
use crate::document::{Object, Uncovered, Value};
use crate::limits::Limits;
use crate::plan::{Answered, CallPlan, FailureRule};

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// What was asked, as a URL; the last of several if redirects were followed. Failures name it.
    pub url: String,
}

/// What of an answer is needed, once its status is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The head alone; the body is not read.
    Head,
    /// The head, with the body. One that is longer than this many bytes is a failure, for which the rest need not be read.
    Body {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The head, and the body streamed to the client if the response says so.
    Stream,
}

/// What an answer comes to.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The data; none where the document was `null`.
    pub(super) data: Option<Object>,
    pub(super) complete: bool,
    /// The status of the response, where that is said.
    pub(super) status: Option<StatusCode>,
    /// Of an opaque answer: what is passed through.
    pub(super) passed: Option<(StatusCode, HeaderMap)>,
    /// Of an opaque answer whose body is a parameter of later calls: the body.
    pub(super) body: Option<Bytes>,
}

/// What is wanted of an answer with this status. `body` tells whether the body of an opaque one is a parameter of later calls.
pub(super) fn wanted(call: &CallPlan, status: StatusCode, passed: bool, body: bool, limit: usize) -> Wanted {
    if call.decoder == Decoder::Opaque {
        return match (passed, body) {
            (true, _) => Wanted::Stream,
            (false, true) => Wanted::Body { limit },
            (false, false) => Wanted::Head,
        };
    }
    if succeeded(call, status) || call.failure != FailureRule::Plain { Wanted::Body { limit } } else { Wanted::Head }
}

fn succeeded(call: &CallPlan, status: StatusCode) -> bool {
    match call.failure {
        FailureRule::PassedOn => status.is_success(),
        _ => status == StatusCode::OK || status == StatusCode::CREATED,
    }
}

/// Decodes an answer and applies the call's pipeline.
pub(super) fn read(
    call: &CallPlan,
    head: Head,
    body: Bytes,
    uncovered: Uncovered,
    limits: &Limits,
) -> Result<Answer, CallError> {
    if call.decoder == Decoder::Opaque {
        let body = (!body.is_empty()).then_some(body);
        let passed = Some((head.status, head.headers));
        return Ok(Answer { data: Some(Object::empty()), complete: true, status: None, passed, body });
    }
    let body = match head.headers.get(CONTENT_ENCODING) {
        Some(coding) if coding == "gzip" && !body.is_empty() => undo_gzip(&body, limits.effective_response_bytes())?,
        _ => body,
    };
    if !succeeded(call, head.status) {
        return failed(call, head, body);
    }
    let status = (call.failure == FailureRule::PassedOn).then_some(head.status);
    let data = match status {
        Some(_) if body.is_empty() => Some(Object::empty()),
        _ => call.pipeline.run(call.decoder, body, uncovered, limits)?,
    };
    Ok(Answer { data, complete: true, status, passed: None, body: None })
}

/// What an answer is whose status says that it failed.
fn failed(call: &CallPlan, head: Head, body: Bytes) -> Result<Answer, CallError> {
    let Head { status, headers, url } = head;
    let content_type = headers.get(CONTENT_TYPE).cloned();
    match &call.failure {
        FailureRule::Plain => {
            Err(CallError::Status { status, method: call.method.clone(), pattern: call.pattern.to_string(), url })
        }
        FailureRule::Status => Err(CallError::Answered { status, body, content_type, merged: false }),
        FailureRule::PassedOn => Err(CallError::Answered { status, body, content_type, merged: true }),
        FailureRule::Details(name) => {
            let code = Value::Number(Bytes::from(status.as_u16().to_string()));
            let mut details = vec![(Bytes::from_static(b"http_status_code"), code)];
            if !body.is_empty() {
                details.push((Bytes::from_static(b"http_body"), Value::String(body)));
            }
            if let Some(content_type) = content_type.filter(|content_type| !content_type.is_empty()) {
                let content_type = Bytes::copy_from_slice(content_type.as_bytes());
                details.push((Bytes::from_static(b"http_body_encoding"), Value::String(content_type)));
            }
            let data = Object::single(format!("error_{name}"), Value::Record(details));
            Ok(Answer { data: Some(data), complete: false, status: None, passed: None, body: None })
        }
    }
}

impl Answer {
    /// The answer, as expressions see it: its head only where it is passed on.
    pub(super) fn seen(&self) -> Answered<'_> {
        let head = self.passed.as_ref().map(|(status, headers)| (*status, headers));
        Answered { data: self.data.as_ref(), complete: self.complete, head }
    }

    /// Whether there is anything in it.
    pub(super) fn has_data(&self) -> bool {
        self.data.as_ref().is_some_and(|data| !data.is_empty())
    }

    /// About how many bytes it holds on to.
    pub(super) fn size(&self) -> usize {
        self.data.as_ref().map_or(0, Object::held_bytes) + self.body.as_ref().map_or(0, Bytes::len)
    }
}
