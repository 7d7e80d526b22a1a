//! The client's response.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use backstay_composition::{CallError, Response as Composed, ResponseBody as Body};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use tokio::time::sleep_until;

use super::client::Source;
use super::error;
use super::run::Told as Calls;
use super::transport::Answered;
use crate::access::CallRecord;
use crate::activity::Cause;
use crate::body::BodyProgress;
use crate::config::{Composition, Rule};
use crate::exchange::Exchange;
use crate::forward::response_body::{ResponseBody, UpstreamBody};
use crate::forward::silence::Silence;
use crate::forward::{reply, retries};
use crate::local_reply::Flag;

/// What there is to tell of a request beside its response.
pub(super) struct Told {
    pub(super) told: Calls,
    pub(super) due: Instant,
    pub(super) progress: Option<Rc<BodyProgress>>,
}

/// The client's response: what the engine made, or the answer that it passes on, `stream`.
pub(super) fn build(
    mut exchange: Exchange,
    rule: &Arc<Rule>,
    composition: &Composition,
    composed: Composed,
    stream: Option<Source>,
    told: Told,
) -> Response<ResponseBody> {
    let Composed { status, mut headers, body, errors } = composed;
    let failed = errors.first().filter(|_| status.is_server_error());
    note(&mut exchange, composition, status, failed, &told);
    if let Some(name) = &composition.debug_header {
        told.told.calls.iter().filter_map(|call| debug(composition, call)).for_each(|value| {
            headers.append(name.clone(), value);
        });
    }
    let mut response = match (body, stream) {
        (Body::Stream(_), Some(Source::Kept(bytes))) => {
            exchange.ends(Cause::Recorded);
            Response::new(ResponseBody::full(if exchange.format.head { Bytes::new() } else { bytes }, exchange))
        }
        (Body::Stream(_), Some(Source::Network(answered))) => {
            for cookie in &answered.cookies {
                headers.append(header::SET_COOKIE, cookie.clone());
            }
            Response::new(passed(exchange, answered, told))
        }
        (Body::Stream(_), None) => Response::new(ResponseBody::full(Default::default(), exchange)),
        (Body::Full(bytes), _) => {
            exchange.ends(Cause::Recorded);
            let is_head = exchange.format.head;
            if is_head && !bytes.is_empty() {
                headers.insert(header::CONTENT_LENGTH, bytes.len().into());
            }
            let bytes = if is_head { Default::default() } else { bytes };
            Response::new(ResponseBody::full(bytes, exchange))
        }
    };
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    reply::edit(&mut response, [&rule.filters]);
    response
}

/// The rest of an answer, on its way to the client.
fn passed(exchange: Exchange, answered: Answered, told: Told) -> ResponseBody {
    let Answered { incoming, active, guard, sent, cut, silence, recorder, .. } = answered;
    let deadline = retries::sooner(Some(Box::pin(sleep_until(told.due.into()))), cut);
    exchange.end_by(deadline.as_ref().map(|deadline| deadline.deadline()));
    let body = UpstreamBody {
        incoming,
        deadline,
        active,
        sent,
        complete: false,
        failed: None,
        silence: silence.map(Silence::new),
        recorder,
        _guard: guard,
    };
    ResponseBody::upstream(body, exchange)
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
        record.upstream = told.told.calls.iter().rev().find_map(|call| call.address());
        let calls = told.told.calls.iter().filter_map(|call| {
            let (duration, outcome) = call.ended();
            let name = Arc::clone(&composition.calls.get(call.position)?.name);
            Some(CallRecord { name, outcome, duration, upstream: call.address() })
        });
        record.calls = calls.collect();
    });
}

/// What the client is told of a call: its name, how it ended, and how many milliseconds it took.
fn debug(composition: &Composition, call: &super::progress::Progress) -> Option<HeaderValue> {
    let (duration, outcome) = call.ended();
    let name = &composition.calls.get(call.position)?.name;
    let millis = duration.as_micros() as f64 / 1000.0;
    HeaderValue::from_str(&format!("{name}; outcome={outcome}; dur={millis:.3}")).ok()
}
