//! What a call passes between the choice of its host and the client that makes it: a breaker, a rate limit, and changes of what is sent
//! and of what is answered.

use std::sync::Arc;

use backstay_balancer::{CallEnd, CircuitChange, CircuitOpen, CircuitPermit, CircuitState};
use backstay_composition::{CallError, Incoming, Scheme, Seen};
use backstay_upstream::Backend;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::client::{self, Found, Source};
use super::kept_body;
use super::progress::Progress;
use super::transport::{Context, Outgoing};
use crate::body::RequestBody;
use crate::config::{CallSite, CallTarget, Passage};
use crate::counts::ServerMetrics;

/// How much of a client's body is read that goes nowhere, in bytes: as much as a server of Go reads.
const DRAINED: usize = 256 << 10;

/// A breaker that has let a call pass. Dropped without a word, the call was given up.
#[derive(Debug)]
pub(super) struct Permit {
    passage: Arc<Passage>,
    permit: Option<CircuitPermit>,
    name: Arc<str>,
    metrics: Arc<ServerMetrics>,
}

/// Makes a call once it has passed all that it has to.
pub(super) async fn send(
    context: &Context,
    (site, target): (&CallSite, &CallTarget),
    passage: &Arc<Passage>,
    (mut outgoing, parameters): (Outgoing, Option<Vec<(String, String)>>),
    undo_gzip: bool,
    progress: &Progress,
) -> Result<Found, CallError> {
    let metrics = &context.thread.shared.metrics;
    if let Some(permit) = permit(passage, site, metrics)? {
        progress.permitted(permit);
    }
    if let Some(bucket) = &passage.bucket
        && !bucket.take(passage.now())
    {
        metrics.calls_refused.rate_limit.increment(1);
        return Err(CallError::RateLimited);
    }
    let cache = passage.cache.as_ref();
    let checked = &passage.checked;
    if let Some(expressions) = &checked.expressions {
        let below = outgoing.target.strip_prefix(&*target.base_path).unwrap_or(&outgoing.target);
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let parameters = parameters.as_deref().unwrap_or_default();
        let seen = Seen { method: outgoing.method.as_str(), path, parameters, headers: &outgoing.headers, query };
        expressions.check_request(&seen)?;
    }
    if checked.request_changes.is_empty() && checked.response_changes.is_empty() {
        return client::send(context, site, target, outgoing, cache).await;
    }
    let Some(backend) = &target.backend else { return Err(CallError::NoEndpoint) };
    let (seen, replaced) = change_request(passage, backend, target, &mut outgoing)?;
    let sent = client::send(context, site, target, outgoing, cache);
    let mut found = match replaced {
        None => sent.await?,
        // What is not read of a client's body would end its connection.
        Some(body) => futures::future::join(sent, kept_body::keep(body, DRAINED)).await.0?,
    };
    if !checked.response_changes.is_empty() {
        change_response(passage, &seen, &mut found, undo_gzip)?;
    }
    Ok(found)
}

/// Asks the breaker.
fn permit(passage: &Arc<Passage>, site: &CallSite, metrics: &Arc<ServerMetrics>) -> Result<Option<Permit>, CallError> {
    let Some(circuit) = &passage.circuit else { return Ok(None) };
    let (permit, change) = circuit.begin(passage.now());
    let (passage, name, metrics) = (Arc::clone(passage), Arc::clone(&site.name), Arc::clone(metrics));
    let mut asked = Permit { passage, permit: None, name, metrics };
    asked.tell(change);
    match permit {
        Ok(permit) => {
            asked.permit = Some(permit);
            Ok(Some(asked))
        }
        Err(open) => {
            asked.metrics.calls_refused.breaker.increment(1);
            Err(match open {
                CircuitOpen::Open => CallError::CircuitOpen,
                CircuitOpen::Probing => CallError::CircuitProbing,
            })
        }
    }
}

impl Permit {
    /// Tells the breaker how the call ended.
    pub(super) fn end(mut self, end: CallEnd) {
        self.told(end);
    }

    fn told(&mut self, end: CallEnd) {
        let (Some(permit), Some(circuit)) = (self.permit.take(), &self.passage.circuit) else { return };
        for change in circuit.end(permit, end, self.passage.now()) {
            self.tell(change);
        }
    }

    fn tell(&self, change: Option<CircuitChange>) {
        let Some(CircuitChange { from, to }) = change else { return };
        if to == CircuitState::Open {
            self.metrics.breakers_opened.increment(1);
        }
        if self.passage.checked.breaker.as_ref().is_some_and(|breaker| breaker.logs_changes) {
            tracing::warn!(call = &*self.name, from = ?from, to = ?to, "a breaker changed its state");
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.told(CallEnd::Abandoned);
    }
}

/// Changes what is sent. Gives back the request as changes of the answer see it, and the body that another has taken the place of.
fn change_request(
    passage: &Passage,
    backend: &Backend,
    target: &CallTarget,
    outgoing: &mut Outgoing,
) -> Result<(backstay_composition::Outgoing, Option<RequestBody>), CallError> {
    let authority = target.authority.as_ref().and_then(|authority| authority.to_str().ok()).unwrap_or_default();
    let mut seen = backstay_composition::Outgoing {
        scheme: if backend.tls.is_some() { Scheme::Https } else { Scheme::Http },
        authority: authority.to_owned(),
        target: std::mem::take(&mut outgoing.target),
        host: None,
        headers: std::mem::take(&mut outgoing.headers),
        body: None,
    };
    let changes = &passage.checked.request_changes;
    changes.apply(&mut seen, &mut || Uuid::new_v4().to_string()).map_err(CallError::Modifier)?;
    outgoing.target.clone_from(&seen.target);
    outgoing.headers = if passage.checked.response_changes.is_empty() {
        std::mem::take(&mut seen.headers)
    } else {
        seen.headers.clone()
    };
    if let Some(host) = seen.host.as_ref().filter(|host| !host.is_empty()) {
        outgoing.authority = Some(host.clone());
    }
    let mut replaced = None;
    if let Some(body) = &seen.body {
        outgoing.length = Some(HeaderValue::from(body.len()));
        replaced = Some(std::mem::replace(&mut outgoing.body, RequestBody::kept(body.clone())));
    }
    Ok((seen, replaced))
}

/// Changes what is answered. What is undone in any case is not seen by changes: that the answer is compressed, and how long that made it.
fn change_response(
    passage: &Passage,
    seen: &backstay_composition::Outgoing,
    found: &mut Found,
    undo_gzip: bool,
) -> Result<(), CallError> {
    let mut headers = std::mem::take(&mut found.headers);
    let hidden = if undo_gzip { hide_gzip(&mut headers) } else { None };
    let mut incoming = Incoming { status: found.status, headers, body: None };
    passage.checked.response_changes.apply(seen, &mut incoming).map_err(CallError::Modifier)?;
    (found.status, found.headers) = (incoming.status, incoming.headers);
    match incoming.body {
        Some(body) => {
            found.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            let before = std::mem::replace(&mut found.source, Source::Kept(body));
            before.discard();
        }
        None => {
            if let Some((coding, length)) = hidden {
                found.headers.insert(CONTENT_ENCODING, coding);
                found.headers.extend(length.map(|length| (CONTENT_LENGTH, length)));
            }
        }
    }
    Ok(())
}

fn hide_gzip(headers: &mut HeaderMap) -> Option<(HeaderValue, Option<HeaderValue>)> {
    if headers.get(CONTENT_ENCODING).is_none_or(|coding| coding != "gzip") {
        return None;
    }
    let coding = headers.remove(CONTENT_ENCODING)?;
    Some((coding, headers.remove(CONTENT_LENGTH)))
}
