//! A request on its way to a backend, and its answer on the way back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use backstay_balancer::Outcome;
use http::{HeaderValue, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;
use tokio::time::Sleep;

use super::aim::{Aimed, Attempts};
use super::attempt::{self, UpstreamAnswer};
use super::destination::Selected;
use super::failure::Failure;
use super::guard::Active;
use super::headers;
use super::request_state::RequestState;
use super::response_body::{ResponseBody, UpstreamBody};
use super::silence::Silence;
use super::{reply, retries, tunnel};
use crate::activity::Cause;
use crate::config::{Action, Rule};
use crate::exchange::Exchange;
use crate::filter;
use crate::local_reply::Flag;

/// What is to be done about a request.
pub(super) enum Decision {
    /// Nothing more.
    Answered(Response<ResponseBody>),
    /// To send it on.
    Forward(Box<Outbound>),
}

/// A request on its way to a backend.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) exchange: Exchange,
    pub(super) aimed: Aimed,
    /// The client's side of a change of protocol that the request asks for.
    pub(super) client_upgrade: Option<OnUpgrade>,
    /// How the answer's head is to be edited, if it is.
    pub(super) edits: Option<Edits>,
    /// The destination that a sequence has selected.
    pub(super) selected: Option<Box<Selected>>,
}

/// Which edits the answer's head gets.
#[derive(Debug)]
pub(super) struct Edits {
    pub(super) rule: Arc<Rule>,
    /// Position of the target.
    pub(super) target: usize,
}

impl Edits {
    fn apply(&self, response: &mut Response<ResponseBody>) {
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
    pub(super) async fn send(mut self: Box<Self>) -> Response<ResponseBody> {
        loop {
            // Borrowed from where it is, and all in this one function: what a future holds or yields is moved with it.
            let Self { exchange, aimed, .. } = &mut *self;
            let Aimed { request, state, active, deadline, attempts, .. } = aimed;
            let due = deadline.as_ref().map(|deadline| deadline.deadline());
            let unanswered = Unanswered { exchange, active, state, due };
            let mut retry_flag = Flag::None;
            let buffer = unanswered.exchange.client.thread.shared.limits.retry_buffer;
            let outcome = match *attempts {
                Attempts::One => within(deadline, pin!(attempt::run(state, &active.upstream, buffer, request))).await,
                Attempts::Timed(timeout) => {
                    let client = Rc::clone(&unanswered.exchange.client);
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
            let outcome = outcome.unwrap_or_else(|| {
                active.upstream.backend.metrics.timeouts.total.increment(1);
                active.upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
                Err(Failure::Timeout)
            });
            match &outcome {
                Err(failure) if self.next(failure) => {}
                _ => return self.finish(outcome),
            }
        }
    }

    /// Whether the request goes to another member of its destination, since this one has not seen any of it.
    fn next(&mut self, failure: &Failure) -> bool {
        let Self { exchange, aimed, selected: Some(selected), .. } = self else { return false };
        if aimed.state.exposed.get() {
            return false;
        }
        match selected.next(failure, &mut aimed.request, exchange) {
            Some(next) => {
                *aimed = next;
                true
            }
            None => false,
        }
    }

    /// Makes the outcome the client's.
    // In one with its only caller: what is moved from one place to another is large.
    #[inline(always)]
    fn finish(self: Box<Self>, outcome: Result<UpstreamAnswer, Failure>) -> Response<ResponseBody> {
        let Self {
            mut exchange,
            aimed: Aimed { state, active, deadline, cookies, .. },
            client_upgrade,
            edits,
            mut selected,
        } = *self;
        let counts = active.upstream.backend.policy.retries.as_ref().is_some_and(|retry| retry.count_attempts);
        let (attempts, made) = (state.attempts.get(), state.made());
        let mut response = match outcome.and_then(|answer| check(answer, client_upgrade.is_some(), &exchange)) {
            Ok(answer) => {
                exchange.note(|record| record.attempts = made);
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
                let backend = &active.upstream.backend;
                if let Some(selected) = &mut selected
                    && let Some(cause) = selected.cause_of(&failure, backend.has_endpoints())
                {
                    backend.metrics.failures.count(cause);
                    selected.fail(&mut exchange, cause);
                }
                let wording = selected.as_ref().and_then(|selected| selected.wording());
                // Nobody knows where the next request begins.
                let last = matches!(failure, Failure::Client) && !exchange.client.is_multiplexed();
                let reply = failure.into_local_reply(attempts > 1);
                active.answered(wording.map_or(reply.status, |wording| wording.status), exchange.started.elapsed());
                exchange.note(|record| state.tell(record));
                let mut response = reply::fail(exchange, reply, wording);
                if last {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
        };
        if counts {
            response.headers_mut().insert(retries::ATTEMPT_COUNT, attempts.into());
        }
        if let Some(edits) = edits {
            edits.apply(&mut response);
        }
        if let Some(selected) = selected {
            selected.finish(&mut response);
        }
        response
    }
}

/// A request without an answer yet. Dropped, its client has left, or its time was over before that was noticed.
struct Unanswered<'r> {
    exchange: &'r mut Exchange,
    active: &'r Active,
    state: &'r RequestState,
    due: Option<tokio::time::Instant>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let metrics = &self.active.upstream.backend.metrics;
        match self.exchange.left(self.due) {
            Cause::Deadline => metrics.timeouts.total.increment(1),
            _ => metrics.abandoned.increment(1),
        }
        self.exchange.note(|record| self.state.tell(record));
    }
}

/// Refuses answers that cannot be passed on.
fn check(answer: UpstreamAnswer, upgrades: bool, exchange: &Exchange) -> Result<UpstreamAnswer, Failure> {
    if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS && !upgrades {
        return Err(Failure::Protocol("upgrade_not_asked_for"));
    }
    // Over HTTP/2 that would be taken for the other protocol (RFC 8441, 5).
    if upgrades && exchange.client.is_multiplexed() && answer.response.status().is_success() {
        return Err(Failure::Protocol("upgrade_not_taken"));
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
) -> Response<ResponseBody> {
    let status = answer.response.status();
    active.answered(status, exchange.started.elapsed());
    exchange.note(|record| {
        record.upstream = Some(answer.pool.address());
        record.status = status.as_u16();
        record.flag = Flag::None;
        record.details = "via_upstream".into();
    });
    if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = client_upgrade
    {
        return tunnel::open(exchange, client, answer, active);
    }
    let UpstreamAnswer { response, incoming, present, guard, cut, silence, .. } = answer;
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
    Response::from_parts(parts, ResponseBody::upstream(body, exchange))
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
