//! The client's response.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_composition::{CallError, Gunzip, Response as Composed, ResponseBody as Body};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header};

use super::client::Source;
use super::error;
use super::run::Told as Calls;
use super::transport::Answered;
use crate::access::CallRecord;
use crate::activity::Cause;
use crate::body::BodyProgress;
use crate::config::{Composition, Rule};
use crate::counts::CallOutcome;
use crate::data_thread::Timer;
use crate::exchange::Exchange;
use crate::forward::response_body::{ResponseBody, UpstreamBody};
use crate::forward::silence::Silence;
use crate::forward::{reply, retries};
use crate::local_reply::Flag;

/// What there is to tell of a request beside its response.
pub(super) struct Told {
    pub(super) calls: Calls,
    pub(super) progress: Option<Rc<BodyProgress>>,
}

/// How an answer is passed on.
#[derive(Debug)]
pub(super) struct Passing {
    /// When it must have ended.
    pub(super) deadline: Option<Timer>,
    /// Whether it is decompressed, if it is compressed.
    pub(super) undo_gzip: bool,
}

/// A request without a response yet. Dropped, its client has left.
pub(super) struct Leaving<'e> {
    pub(super) exchange: &'e mut Exchange,
    pub(super) due: Instant,
    pub(super) progress: Option<Rc<BodyProgress>>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.exchange.left(Some(self.due.into()));
        let bytes = self.progress.as_ref().map_or(0, |progress| progress.bytes.get());
        self.exchange.note(|record| record.bytes_in = bytes);
    }
}

/// The client's response: what the engine made, or the answer that it passes on, `stream`.
pub(super) fn build(
    mut exchange: Exchange,
    rule: &Arc<Rule>,
    composition: &Composition,
    composed: Composed,
    stream: Option<(Source, Passing)>,
    told: Told,
) -> Response<ResponseBody> {
    let Composed { status, mut headers, body, errors } = composed;
    let failed = errors.first().filter(|_| status.is_server_error());
    note(&mut exchange, composition, status, failed, &told);
    if let Some(name) = &composition.debug_header {
        for call in &told.calls.calls {
            let (took, outcome) = call.ended();
            let site = composition.calls.get(call.position);
            if let Some(value) = site.and_then(|site| debug(&site.name, took, outcome)) {
                headers.append(name, value);
            }
        }
    }
    let body = match (body, stream) {
        (Body::Stream(_), Some((Source::Network(answered), passing))) => {
            passed(exchange, answered, &mut headers, passing)
        }
        (Body::Stream(_), Some((Source::Kept(bytes), passing))) => kept(exchange, bytes, &mut headers, &passing),
        (Body::Stream(_), None) => ResponseBody::full(Bytes::new(), exchange),
        (Body::Full(bytes), _) => full(exchange, bytes, &mut headers),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    reply::edit(&mut response, [&*rule.filters]);
    response
}

/// A body that is there already.
pub(super) fn full(exchange: Exchange, bytes: Bytes, headers: &mut HeaderMap) -> ResponseBody {
    exchange.ends(Cause::Recorded);
    if !exchange.format.head {
        return ResponseBody::full(bytes, exchange);
    }
    if !bytes.is_empty() {
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    }
    ResponseBody::full(Bytes::new(), exchange)
}

/// The rest of an answer, on its way to the client.
/// How much a body that is there may become, in bytes.
const LONGEST: usize = 64 << 20;

/// What a compressed body was; `None` if it is none, or too much.
fn decompressed(bytes: &Bytes) -> Option<Bytes> {
    let mut gunzip = Gunzip::default();
    gunzip.feed(bytes.clone());
    let mut whole = BytesMut::new();
    while let Some(part) = gunzip.part().ok()? {
        whole.extend_from_slice(&part);
        if whole.len() > LONGEST {
            return None;
        }
    }
    whole.extend_from_slice(&gunzip.end().ok()?.unwrap_or_default());
    Some(whole.freeze())
}

/// A body that is there, on its way to the client.
fn kept(exchange: Exchange, bytes: Bytes, headers: &mut HeaderMap, passing: &Passing) -> ResponseBody {
    let gunzip = passing.undo_gzip && headers.get(header::CONTENT_ENCODING).is_some_and(is_gzip);
    let undone = gunzip.then(|| decompressed(&bytes)).flatten();
    if undone.is_some() {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
    }
    full(exchange, undone.unwrap_or(bytes), headers)
}

pub(super) fn passed(
    exchange: Exchange,
    answered: Answered,
    headers: &mut HeaderMap,
    passing: Passing,
) -> ResponseBody {
    let Answered { incoming, active, guard, sent, cut, silence, cookies, recorder, .. } = answered;
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    let gunzip = passing.undo_gzip && headers.get(header::CONTENT_ENCODING).is_some_and(is_gzip);
    if gunzip {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
    }
    let recorder = recorder.map(|mut recorder| {
        if gunzip {
            recorder.decoded();
        }
        recorder
    });
    let deadline = retries::sooner(passing.deadline, cut, &exchange.client.thread.timers);
    exchange.end_by(deadline.as_ref().map(|deadline| deadline.deadline()));
    let body = UpstreamBody {
        incoming,
        deadline,
        active,
        sent,
        complete: false,
        failed: None,
        silence: silence.map(Silence::new),
        gunzip: gunzip.then(Box::default),
        recorder,
        // As the engine has it.
        says_length: false,
        _guard: guard,
    };
    ResponseBody::upstream(body, exchange)
}

fn is_gzip(coding: &HeaderValue) -> bool {
    coding.as_bytes().eq_ignore_ascii_case(b"gzip")
}

fn note(
    exchange: &mut Exchange,
    composition: &Composition,
    status: http::StatusCode,
    failed: Option<&CallError>,
    told: &Told,
) {
    let bytes = told.progress.as_ref().map_or(0, |progress| progress.bytes.get());
    exchange.note(|record| {
        record.status = status.as_u16();
        record.flag = failed.map_or(Flag::None, error::flag);
        record.details = if failed.is_some() { "composition_failed" } else { "composed" }.into();
        record.bytes_in = bytes;
        record.upstream = told.calls.calls.iter().rev().find_map(|call| call.address());
        let calls = told.calls.calls.iter().filter_map(|call| {
            let (duration, outcome) = call.ended();
            let name = Arc::clone(&composition.calls.get(call.position)?.name);
            Some(CallRecord { name, outcome, duration, upstream: call.address() })
        });
        record.calls = calls.collect();
    });
}

/// What the client is told of a call: its name, how it ended, and how many milliseconds it took.
pub(super) fn debug(name: &str, took: Duration, outcome: CallOutcome) -> Option<HeaderValue> {
    let millis = took.as_micros() as f64 / 1000.0;
    HeaderValue::from_str(&format!("{name}; outcome={}; dur={millis:.3}", outcome.as_str())).ok()
}
