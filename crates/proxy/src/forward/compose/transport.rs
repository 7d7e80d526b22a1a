//! One request to one backend.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_balancer::Outcome;
use backstay_composition::CallError;
use backstay_http_cache::Recorder;
use backstay_upstream::Backend;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};

use super::error;
use crate::body::{BodyProgress, RequestBody};
use crate::config::CallTarget;
use crate::data_thread::DataThread;
use crate::forward::aim::{Attempts, RouteTimeouts};
use crate::forward::attempt::{self, UpstreamAnswer};
use crate::forward::failure::Failure;
use crate::forward::guard::{Active, RequestGuard};
use crate::forward::headers::{self, HopByHop};
use crate::forward::request_state::RequestState;
use crate::forward::{hash, head, loops, retries};
use crate::trace::RequestTrace;
use crate::upstream::Incoming;

/// What all requests of a composition share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) thread: Rc<DataThread>,
    /// The peer of the connection that asked.
    pub(super) peer: IpAddr,
    /// When all of it must have ended.
    pub(super) due: Instant,
    /// What is recorded of the request that asks for the calls, where it is sampled.
    pub(super) trace: Option<Rc<RequestTrace>>,
}

/// A request to make. Its headers have everything but `Host` and what frames the body.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    /// Path and query, with what precedes the path at the target.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    /// `Host`; `None` takes that of the endpoint.
    pub(super) authority: Option<HeaderValue>,
    pub(super) body: RequestBody,
    /// Length of the body, where the client has said it and may say it to the backend.
    pub(super) length: Option<HeaderValue>,
}

/// The head of an answer, and what it takes to read or to pass on the rest.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) incoming: Incoming,
    pub(super) address: SocketAddr,
    pub(super) active: Active,
    pub(super) guard: RequestGuard,
    /// The request's body, to know its size.
    pub(super) sent: Option<Rc<BodyProgress>>,
    /// When the answer must have ended, by a timeout of the attempt.
    pub(super) cut: Option<Instant>,
    /// How long each further part may take.
    pub(super) silence: Option<Duration>,
    /// Lines of `Set-Cookie` that keep the client at its endpoint.
    pub(super) cookies: Vec<HeaderValue>,
    /// Keeps the answer, once all of it is there.
    pub(super) recorder: Option<Box<Recorder>>,
}

impl Answered {
    /// The answer of an attempt, without what belongs to its connection.
    #[inline]
    pub(super) fn of(
        answer: Box<UpstreamAnswer>,
        active: Active,
        sent: Option<Rc<BodyProgress>>,
        cookies: Vec<HeaderValue>,
    ) -> Self {
        let UpstreamAnswer { response, incoming, present, pool, guard, cut, silence } = *answer;
        let (mut parts, ()) = response.into_parts();
        headers::strip(&mut parts.headers, &present);
        let (status, headers, address) = (parts.status, parts.headers, pool.address());
        Self { status, headers, incoming, address, active, guard, sent, cut, silence, cookies, recorder: None }
    }
}

/// Sends a request to `target`, and again as the policy of its backend says.
pub(super) async fn send(
    context: &Context,
    backend: &Arc<Backend>,
    target: &CallTarget,
    outgoing: Outgoing,
) -> Result<Answered, CallError> {
    let began = Instant::now();
    let url = url(backend, target.authority.as_ref(), &outgoing.target);
    let method = outgoing.method.clone();
    let invalid = |text: &str| error::transport(&method, &url, text);
    let (mut parts, hop, body) = head_of(outgoing).ok_or_else(|| invalid("net/http: invalid request"))?;
    loops::pass(backend, &mut parts.headers).map_err(|reply| invalid(&reply.body))?;
    head::rewrite_host(&mut parts, backend);
    let authority = RequestState::authority(backend, &parts);
    let thread = &context.thread;
    let (mut hash, mut cookies) = (None, Vec::new());
    if backend.policy.hashes() {
        (hash, cookies) = hash::of(&backend.policy.hash, &parts, context.peer, || thread.random());
    }
    let host = parts.headers.get(header::HOST).cloned();
    head::address(&mut parts, &hop, backend).ok_or_else(|| invalid("http: no Host in request URL"))?;
    let mut state =
        RequestState::new(backend, (target.port, authority), false, &parts, &body, hash, context.trace.clone());
    state.by_endpoint = target.authority.is_none();
    let mut request = Request::from_parts(parts, body);
    let active = Active::count(thread.upstreams.get(backend, || thread.random()));
    let waiting = Waiting(&active, Instant::now());
    let outcome = attempts(context, &state, &active, &mut request).await;
    std::mem::forget(waiting);
    match outcome {
        Ok(answer) => {
            active.answered(answer.response.status(), began.elapsed(), context.trace.as_deref());
            if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Err(invalid("net/http: unexpected change of protocol"));
            }
            Ok(Answered::of(answer, active, state.sent, cookies))
        }
        Err(failure) => {
            if matches!(failure, Failure::NoEndpoint) {
                backend.metrics.no_endpoint.increment(1);
            }
            let host = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
            let error = error::of_failure(&failure, &method, &url, host, &state, backend.has_endpoints());
            active.answered(failure.into_local_reply(false).status, began.elapsed(), context.trace.as_deref());
            Err(error)
        }
    }
}

async fn attempts(
    context: &Context,
    state: &RequestState,
    active: &Active,
    request: &mut Request<RequestBody>,
) -> Result<Box<UpstreamAnswer>, Failure> {
    let backend = &active.upstream.backend;
    let total = backend.timeouts.total;
    let work = async {
        match Attempts::at(backend, RouteTimeouts::default()) {
            Attempts::One => {
                let buffer = context.thread.shared.limits.retry_buffer;
                attempt::run(state, &active.upstream, buffer, request).await
            }
            Attempts::Timed(attempt) => {
                state.time();
                let timeouts = retries::Timeouts { attempt, due: Some(context.due.into()) };
                retries::run(state, &active.upstream, &context.thread, timeouts, request).await.outcome
            }
        }
    };
    let mut work = pin!(work);
    let Some(total) = total else { return work.await };
    match tokio::time::timeout(total, work.as_mut()).await {
        Ok(outcome) => outcome,
        Err(_) => {
            backend.metrics.timeouts.total.increment(1);
            active.upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
            Err(Failure::Timeout)
        }
    }
}

/// The head to send.
fn head_of(outgoing: Outgoing) -> Option<(Parts, HopByHop, RequestBody)> {
    let Outgoing { method, target, mut headers, authority, body, length } = outgoing;
    let mut hop = HopByHop::default();
    headers.remove(header::CONTENT_LENGTH);
    frame(&method, &mut headers, &mut hop, body.is_empty(), length);
    // Until the endpoint is known, whose it is then.
    headers.insert(header::HOST, authority.unwrap_or_else(|| HeaderValue::from_static("unknown")));
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(PathAndQuery::try_from(target).ok()?);
    *request.headers_mut() = headers;
    Some((request.into_parts().0, hop, body))
}

/// Says where the body ends.
pub(super) fn frame(
    method: &Method,
    headers: &mut HeaderMap,
    hop: &mut HopByHop,
    is_empty: bool,
    length: Option<HeaderValue>,
) {
    if is_empty {
        // What is none is said to be none by methods that mostly have one.
        if matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    } else if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length);
    } else {
        hop.chunked = true;
    }
}

/// What is asked, as a URL.
pub(super) fn url(backend: &Backend, authority: Option<&HeaderValue>, target: &str) -> String {
    let scheme = if backend.tls.is_some() { "https" } else { "http" };
    let authority = authority.and_then(|authority| authority.to_str().ok()).unwrap_or_default();
    format!("{scheme}://{authority}{target}")
}

/// A request without an answer yet. Dropped, nobody waits for that any more.
struct Waiting<'a>(&'a Active, Instant);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let metrics = &self.0.upstream.backend.metrics;
        metrics.abandoned.increment(1);
        metrics.abandoned_after.record(self.1.elapsed(), None);
    }
}
