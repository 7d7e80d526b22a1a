//! A request on its way to a backend, and its answer on the way back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use backstay_balancer::Outcome;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;
use tokio::time::Sleep;

use super::attempt::{RequestState, UpstreamAnswer};
use super::body::{Body, RequestBody, Silence, UpstreamBody};
use super::failure::Failure;
use super::headers;
use super::{reply, retries, tunnel};
use crate::config::{Action, Forward, Rule};
use crate::filter;
use crate::local_reply::Flag;
use crate::server::{Cause, Exchange};
use crate::upstream::Upstream;
use backstay_upstream::Backend;

/// A request on its way to a backend.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) exchange: Exchange,
    pub(super) request: Request<RequestBody>,
    pub(super) state: RequestState,
    pub(super) active: Active,
    /// When the answer must have ended.
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    /// The client's side of a change of protocol that the request asks for.
    pub(super) client_upgrade: Option<OnUpgrade>,
    /// How the answer's head is to be edited, if it is.
    pub(super) edits: Option<Edits>,
    pub(super) attempts: Attempts,
    /// Lines of `Set-Cookie` that keep the client at its endpoint.
    pub(super) cookies: Vec<HeaderValue>,
}

/// How often a request may be sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attempts {
    /// Once, with no other timeout than that of the whole.
    One,
    /// As often as the policy of the backend says, each time with the policy's timeouts and this one.
    Timed(Option<Duration>),
}

impl Attempts {
    /// The attempts that the policy of `backend` calls for.
    pub(super) fn at(backend: &Backend, forward: &Forward) -> Self {
        match (&backend.policy.retries, backend.timeouts.first_byte, backend.timeouts.between_bytes) {
            (None, None, None) => Self::One,
            // Without retries, the timeout of the only attempt is part of that of the whole.
            (None, ..) => Self::Timed(None),
            (Some(_), ..) => Self::Timed(forward.backend_request_timeout),
        }
    }
}

/// Which edits the answer's head gets.
#[derive(Debug)]
pub(super) struct Edits {
    pub(super) rule: Arc<Rule>,
    /// Position of the target.
    pub(super) target: usize,
}

impl Edits {
    fn apply(&self, response: &mut Response<Body>) {
        filter::edit(response.headers_mut(), &self.rule.filters.response_headers);
        if let Action::Forward(forward) = &self.rule.action
            && let Some(target) = forward.targets.all().get(self.target)
        {
            filter::edit(response.headers_mut(), &target.filters.response_headers);
        }
    }
}

impl Outbound {
    /// Sends the request, and ends with the head of the answer, which is a reply of the proxy's own if something went wrong.
    pub(super) async fn send(mut self: Box<Self>) -> Response<Body> {
        // Borrowed from where it is: what an `async fn` holds is moved with it.
        let Self { exchange, request, state, active, deadline, attempts, .. } = &mut *self;
        let due = deadline.as_ref().map(|deadline| deadline.deadline());
        let unanswered = Unanswered { exchange, active, due };
        let mut retry_flag = Flag::None;
        let outcome = match *attempts {
            Attempts::One => within(deadline, pin!(state.run(&active.upstream, request))).await,
            Attempts::Timed(timeout) => {
                let client = Rc::clone(&exchange.client);
                state.time();
                let timeouts = retries::Timeouts { attempt: timeout, due };
                let mut ended = Box::pin(retries::run(state, &active.upstream, &client.thread, timeouts, request));
                within(deadline, ended.as_mut()).await.map(|ended| {
                    retry_flag = ended.flag;
                    ended.outcome
                })
            }
        };
        std::mem::forget(unanswered);
        if retry_flag != Flag::None {
            exchange.note(|record| record.retry_flag = retry_flag);
        }
        let counts = active.upstream.backend.policy.retries.as_ref().is_some_and(|retry| retry.count_attempts);
        let attempts = state.attempts.get();
        let outcome = outcome.unwrap_or_else(|| {
            active.upstream.backend.metrics.timeouts.total.increment(1);
            active.upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
            Err(Failure::Timeout)
        });
        let Self { mut exchange, state, active, deadline, client_upgrade, edits, cookies, .. } = *self;
        let mut response = match outcome.and_then(|answer| check(answer, client_upgrade.is_some(), &exchange)) {
            Ok(answer) => {
                exchange.note(|record| record.attempts = attempts);
                let mut response = pass(exchange, answer, state, active, deadline, client_upgrade);
                for cookie in cookies {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                response
            }
            Err(failure) => {
                if matches!(failure, Failure::NoEndpoint) {
                    active.upstream.backend.metrics.no_endpoint.increment(1);
                }
                let reply = failure.into_local_reply(attempts > 1);
                active.answered(reply.status, exchange.started.elapsed());
                exchange.note(|record| {
                    record.upstream = state.tried.get();
                    record.attempts = attempts;
                    record.bytes_in = state.sent.map_or(0, |sent| sent.bytes.get());
                });
                reply::fail(exchange, reply)
            }
        };
        if counts {
            response.headers_mut().insert(retries::ATTEMPT_COUNT, attempts.into());
        }
        if let Some(edits) = edits {
            edits.apply(&mut response);
        }
        response
    }
}

/// A request without an answer yet. Dropped, its client has left, or its time was over before that was noticed.
struct Unanswered<'r> {
    exchange: &'r Exchange,
    active: &'r Active,
    due: Option<tokio::time::Instant>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.exchange.left(self.due) == Cause::Deadline {
            self.active.upstream.backend.metrics.timeouts.total.increment(1);
        }
    }
}

/// Refuses answers that cannot be passed on.
fn check(answer: UpstreamAnswer, upgrades: bool, exchange: &Exchange) -> Result<UpstreamAnswer, Failure> {
    if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS && !upgrades {
        return Err(Failure::Protocol("upgrade_not_asked_for"));
    }
    if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS && !answer.incoming.may_tunnel() {
        return Err(Failure::Protocol("upgrade_before_end_of_request"));
    }
    if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS && !exchange.client.enter_tunnel() {
        return Err(Failure::Client);
    }
    Ok(answer)
}

/// Passes an answer on.
fn pass(
    mut exchange: Exchange,
    answer: UpstreamAnswer,
    state: RequestState,
    active: Active,
    deadline: Option<Pin<Box<Sleep>>>,
    client_upgrade: Option<OnUpgrade>,
) -> Response<Body> {
    let UpstreamAnswer { response, incoming, present, pool, guard, cut, silence } = answer;
    let status = response.status();
    active.answered(status, exchange.started.elapsed());
    exchange.note(|record| {
        record.upstream = Some(pool.address());
        record.status = status.as_u16();
        record.flag = Flag::None;
        record.details = "via_upstream".into();
    });
    if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = client_upgrade
    {
        return tunnel::open(exchange, client, response, incoming, &present, active, guard);
    }
    let (mut parts, ()) = response.into_parts();
    parts.version = Version::HTTP_11;
    headers::strip(&mut parts.headers, &present);
    let deadline = retries::sooner(deadline, cut);
    exchange.end_by(deadline.as_ref().map(|deadline| deadline.deadline()));
    let body = UpstreamBody {
        incoming,
        deadline,
        active,
        sent: state.sent,
        complete: false,
        failed: None,
        silence: silence.map(Silence::new),
        _guard: guard,
    };
    Response::from_parts(parts, Body::upstream(body, exchange))
}

/// When the answer to a request that arrived at `started` and is sent now must have ended.
pub(super) fn deadline(forward: &Forward, backend: &Backend, started: Instant) -> Option<Pin<Box<Sleep>>> {
    let total = match (forward.request_timeout, backend.timeouts.total) {
        (Some(route), Some(backend)) => Some(route.min(backend)),
        (only, None) | (None, only) => only,
    };
    let request = total.map(|timeout| started + timeout);
    // With retries, each attempt has its own.
    let attempt = forward.backend_request_timeout.filter(|_| backend.policy.retries.is_none());
    let attempt = attempt.map(|timeout| Instant::now() + timeout);
    let first = match (request, attempt) {
        (Some(request), Some(attempt)) => request.min(attempt),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return None,
    };
    Some(Box::pin(tokio::time::sleep_until(first.into())))
}

/// `work`, unless the deadline comes first.
async fn within<T>(deadline: &mut Option<Pin<Box<Sleep>>>, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        match deadline {
            Some(deadline) => deadline.as_mut().poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Counts a request as active at its backend.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) upstream: Rc<Upstream>,
}

impl Active {
    pub(super) fn count(upstream: Rc<Upstream>) -> Self {
        upstream.backend.metrics.active.increment();
        Self { upstream }
    }

    /// Counts what the client is told, `after` so long.
    fn answered(&self, status: StatusCode, after: Duration) {
        let metrics = &self.upstream.backend.metrics;
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = metrics.requests.get(class) {
            counter.increment(1);
        }
        metrics.latency.record(after);
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.upstream.backend.metrics.active.decrement();
    }
}
