//! What one call passes, in this order: the choice of a host, what limits calls, what changes them, and the client that makes them.
//!
//! Header fields and query have been filtered by the engine before; copies of a call come by here one by one. Whether a call has
//! succeeded is known only when its answer is decoded: [`Progress::end`](super::progress::Progress::end) is told.

use std::sync::Arc;

use backstay_composition::{Call, CallBody, CallError};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};

use super::client::{self, Found, Source};
use super::passing;
use super::progress::Progress;
use super::transport::{Context, Outgoing};
use crate::body::RequestBody;
use crate::config::{CallSite, CallTarget, Passage};

/// Makes a call. The answer is the head; its body is still to be read.
pub(super) async fn make(
    context: &Context,
    site: &CallSite,
    call: Call,
    body: CallPayload,
    passage: Option<&Arc<Passage>>,
    progress: &Progress,
) -> Result<Found, CallError> {
    let (_, target) = site.targets.next().ok_or(CallError::NoEndpoint)?;
    let undo_gzip = call.undo_gzip;
    let parameters = passage.filter(|passage| passage.checked.expressions.is_some()).map(|_| call.parameters.clone());
    let outgoing = outgoing(call, target, body);
    let found = match passage {
        None => client::send(context, site, target, outgoing, None).await?,
        Some(passage) => {
            Box::pin(passing::send(context, (site, target), passage, (outgoing, parameters), undo_gzip, progress))
                .await?
        }
    };
    if let Source::Network(answered) = &found.source {
        progress.answered_by(answered.address);
    }
    Ok(found)
}

/// The client's body, for one call.
#[derive(Debug)]
pub(super) struct CallPayload {
    pub(super) body: RequestBody,
    /// Its length, as the client has said it.
    pub(super) length: Option<HeaderValue>,
}

impl CallPayload {
    /// No body.
    pub(super) fn empty() -> Self {
        Self { body: RequestBody::empty(), length: None }
    }

    /// The length that the client's headers say.
    pub(super) fn length_of(headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(CONTENT_LENGTH).cloned()
    }
}

/// The request of a call to `target`.
fn outgoing(call: Call, target: &CallTarget, payload: CallPayload) -> Outgoing {
    let is_sized = call.body == CallBody::Sized;
    let path = if target.base_path.is_empty() { call.target } else { format!("{}{}", target.base_path, call.target) };
    Outgoing {
        method: call.method,
        target: path,
        headers: call.headers,
        authority: target.authority.clone(),
        body: payload.body,
        length: payload.length.filter(|_| is_sized),
    }
}
