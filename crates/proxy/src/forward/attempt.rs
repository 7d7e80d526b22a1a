//! Sends a request to a backend, until one of its endpoints answers or there is no point in trying.

use std::rc::Rc;
use std::time::{Duration, Instant};

use backstay_balancer::{self as balancer, Outcome};
use http::{HeaderName, Request, Response, Version};
use rustls_pki_types::ServerName;

use super::endpoint::{self, Acquired};
use super::failure::Failure;
use super::guard::RequestGuard;
use super::headers::{self, HeaderPresence};
use super::request_state::RequestState;
use super::{grpc, head};
use crate::body::{Replay, RequestBody};
use crate::upstream::{Incoming, Pool, Upstream};
use backstay_model::{HostRewrite, Protocol};
use backstay_upstream::{Origin, Reuse, Unanswered, note_failure, uptime};

/// By which an endpoint that is checked says, with any answer, that it is down.
const IMMEDIATE_FAIL: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");

/// The head of an answer, and what follows.
#[derive(Debug)]
pub(super) struct UpstreamAnswer {
    pub(super) response: Response<()>,
    pub(super) incoming: Incoming,
    /// Which headers the answer has.
    pub(super) present: HeaderPresence,
    pub(super) pool: Rc<Pool>,
    pub(super) guard: RequestGuard,
    /// When the answer must have ended, by a timeout of the attempt.
    pub(super) cut: Option<Instant>,
    /// How long each further part may take.
    pub(super) silence: Option<Duration>,
}

/// What it takes to send a request with a body again that the endpoint did not look at.
#[derive(Debug)]
struct Unseen {
    head: Request<()>,
    body: Replay<RequestBody>,
}

impl Unseen {
    /// Keeps of `request` its head, and up to `buffer` bytes of what is sent of its body.
    // Boxed: few requests have one.
    fn keep(request: &mut Request<RequestBody>, buffer: usize) -> Box<Self> {
        let mut head = Request::new(());
        head.method_mut().clone_from(request.method());
        head.uri_mut().clone_from(request.uri());
        *head.version_mut() = request.version();
        head.headers_mut().clone_from(request.headers());
        Box::new(Self { head, body: request.body_mut().keep(buffer) })
    }

    /// The request once more, if all of it is there.
    fn again(&self) -> Option<Request<RequestBody>> {
        self.body.can_repeat().then(|| self.head.clone().map(|()| RequestBody::replayed(self.body.body())))
    }
}

/// Sends the request. A kept connection may turn out to be closed by the endpoint: then the request goes out again on a new one,
/// if none of it was sent, or if it may be repeated. So does one whose stream the endpoint has said that it did not look at, as
/// far as its body is at hand (RFC 9113, 8.7), of which up to `buffer` bytes are kept: in going away as often as that happens to
/// kept connections, in refusing the stream once.
pub(super) async fn run(
    state: &RequestState,
    upstream: &Upstream,
    buffer: usize,
    request: &mut Request<RequestBody>,
) -> Result<Box<UpstreamAnswer>, Failure> {
    let shares = upstream.backend.protocol == Protocol::Http2;
    let unseen = (shares && buffer > 0 && !request.body().is_empty()).then(|| Unseen::keep(request, buffer));
    let route = endpoint::route(upstream, state.port, state.authority.as_ref()).await?;
    let mut unsent = 0;
    let mut reuse = Reuse::Allowed;
    loop {
        let early = RequestGuard::count_early(upstream).map_err(|_| Failure::Overflow)?;
        let Acquired { pool, lease, selected } = endpoint::acquire(upstream, &route, state, reuse).await?;
        let Ok(guard) = RequestGuard::count(upstream, selected, early) else {
            state.go_to(pool.address());
            lease.cancel();
            return Err(Failure::Overflow);
        };
        begin(state, upstream, request, &pool, &guard);
        if state.wants_local {
            state.local.set(lease.local());
        }
        let reused = lease.origin == Origin::Kept;
        let exposed = state.exposed.replace(true);
        let unanswered = match lease.send(request, &mut |interim| state.pass_interim(interim)).await {
            Ok((response, incoming)) => {
                if let Some(trace) = &state.trace {
                    trace.answered(response.status().as_u16());
                }
                let present = examine(state, upstream, &response, &guard)?;
                let (cut, silence) = (None, None);
                // Boxed: it goes through the results of several futures, each of which would move it.
                return Ok(Box::new(UpstreamAnswer { response, incoming, present, pool, guard, cut, silence }));
            }
            Err(unanswered) => {
                if unanswered.unsent {
                    state.exposed.set(exposed);
                }
                unanswered
            }
        };
        let failure = judge(state, upstream, &pool, &unanswered);
        if let Some(trace) = &state.trace {
            trace.failed(failure.word());
        }
        let metrics = &upstream.backend.metrics;
        match failure {
            // Nothing was sent; an endpoint that closes even new connections gets one more chance.
            _ if unanswered.unsent && (reused || unsent == 0) => unsent += usize::from(!reused),
            // Of the requests on a shared connection, any may be what the endpoint ended it for.
            Failure::Terminated if reused && state.repeatable && upstream.backend.protocol == Protocol::Http1 => {
                reuse = Reuse::Never;
                // What may be repeated at this endpoint may be given to another, should this one be gone.
                state.exposed.set(exposed);
                failure.count(metrics);
            }
            Failure::GoneAway | Failure::RefusedStream
                if may_repeat(upstream, &failure, reused, unsent) && restore(state, unseen.as_deref(), request) =>
            {
                let again = reused && matches!(failure, Failure::GoneAway);
                unsent += usize::from(!again);
                failure.count(metrics);
            }
            failure => {
                if !matches!(failure, Failure::Client) {
                    upstream.report(guard.selected.as_ref(), Outcome::Failed);
                }
                failure.count(metrics);
                let unsent = unanswered.unsent && matches!(failure, Failure::Terminated);
                return Err(if unsent { Failure::BeforeRequest } else { failure });
            }
        }
        metrics.retries.closed_connection.increment(1);
    }
}

/// Whether a request that the endpoint did not look at is sent once more, of which `unsent` were not for a kept connection that
/// ended.
fn may_repeat(upstream: &Upstream, failure: &Failure, reused: bool, unsent: usize) -> bool {
    // Where the policy says how often refused streams are tried, it is all there is to say.
    let policy = upstream.backend.policy.retries.as_ref();
    match failure {
        Failure::GoneAway => reused || unsent == 0,
        _ => unsent == 0 && !policy.is_some_and(|retry| retry.policy.covers_failure(balancer::Failure::Refused)),
    }
}

/// Puts the request together again. Returns whether that was possible.
fn restore(state: &RequestState, unseen: Option<&Unseen>, request: &mut Request<RequestBody>) -> bool {
    match unseen.and_then(Unseen::again) {
        Some(again) => *request = again,
        // One without a body is what it was.
        None => return state.bodyless,
    }
    true
}

/// Notes that the request goes to an endpoint of `pool` now, and addresses it to that endpoint where the backend says so.
#[inline]
fn begin(
    state: &RequestState,
    upstream: &Upstream,
    request: &mut Request<RequestBody>,
    pool: &Pool,
    guard: &RequestGuard,
) {
    let backend = &upstream.backend;
    state.go_to(pool.address());
    if let Some(selected) = &guard.selected {
        *state.current.borrow_mut() = Some(selected.clone());
        if backend.policy.host == HostRewrite::Automatic
            && let Some(ServerName::DnsName(name)) =
                selected.endpoints.get(selected.index).map(|endpoint| &endpoint.server_name)
        {
            head::readdress(request, name.as_ref());
        }
        upstream.report(Some(selected), Outcome::Connected);
    }
    if let Some(trace) = &state.trace {
        trace.attempt(request.headers_mut(), &backend.name, pool.address());
    }
    if state.by_endpoint {
        head::ask_endpoint(request, guard.selected.as_ref(), pool.address(), backend);
    }
    if state.told || backend.policy.retries.is_some() || backend.timeouts.first_byte.is_some() {
        state.begun.set(Some(Instant::now()));
    }
    backend.metrics.attempts.increment(1);
}

/// Which headers an answer has, after what it says of its endpoint was noted.
///
/// # Errors
/// When nobody may take it for an answer.
#[inline]
fn examine(
    state: &RequestState,
    upstream: &Upstream,
    response: &Response<()>,
    guard: &RequestGuard,
) -> Result<HeaderPresence, Failure> {
    let headers = response.headers();
    let present = HeaderPresence::among(headers);
    if let Some(details) = misframed(response, &present) {
        // The connection goes with the answer: nobody knows where on it the next answer begins.
        upstream.report(guard.selected.as_ref(), Outcome::Failed);
        let failure = Failure::Protocol(details);
        failure.count(&upstream.backend.metrics);
        return Err(failure);
    }
    if let Some(selected) = &guard.selected {
        let outcome = match grpc::status(headers) {
            Some(status) if state.grpc => Outcome::grpc(status),
            _ => Outcome::Answered(response.status().as_u16()),
        };
        upstream.report(Some(selected), outcome);
        if !upstream.backend.policy.health.is_empty()
            && headers.contains_key(IMMEDIATE_FAIL)
            && let Some(state) = selected.state()
        {
            state.fail_by_itself(uptime());
        }
    }
    Ok(present)
}

/// Why there is no answer.
fn judge(state: &RequestState, upstream: &Upstream, pool: &Pool, unanswered: &Unanswered) -> Failure {
    if state.sent.as_ref().is_some_and(|sent| sent.failed.get()) {
        return Failure::Client;
    }
    let failure = Failure::of(&unanswered.error);
    if let Failure::Alert(alert) = &failure {
        note_failure(&upstream.backend, pool.address(), alert);
    }
    failure
}

/// Why nobody may take `response` for an answer: two readers could read it in two ways.
fn misframed(response: &Response<()>, present: &HeaderPresence) -> Option<&'static str> {
    if !present.is_plainly_framed(response.headers()) {
        return Some("upstream_transfer_encoding");
    }
    if response.version() == Version::HTTP_2 && !headers::is_well_formed(response.headers()) {
        return Some("upstream_header_malformed");
    }
    present.is_framed_twice().then_some("upstream_length_and_transfer_encoding")
}
