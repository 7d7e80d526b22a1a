//! A request on its way to a backend, and its answer on the way back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;

use backstay_balancer::Outcome;
use http::{HeaderValue, Response, StatusCode, Version, header};

use super::aim::{Aimed, Attempts};
use super::attempt::{self, UpstreamAnswer};
use super::destination::Selected;
use super::failure::Failure;
use super::guard::Active;
use super::headers;
use super::request_state::RequestState;
use super::response_body::{ResponseBody, UpstreamBody};
use super::retries::Ended;
use super::silence::Silence;
use super::{reply, retries, tunnel};
use crate::activity::Cause;
use crate::config::{Action, Rule};
use crate::data_thread::Timer;
use crate::exchange::{ClientUpgrade, Exchange};
use crate::filter;
use crate::local_reply::Flag;

/// What is to be done about a request.
#[expect(clippy::large_enum_variant, reason = "each request makes one: a box would be an allocation more")]
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
    pub(super) client_upgrade: Option<ClientUpgrade>,
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
            state.interims = exchange.interims();
            state.told = exchange.record.is_some();
            state.wants_local = exchange.record.as_ref().is_some_and(|record| record.plan.tells_local);
            let due = deadline.as_ref().map(|deadline| deadline.deadline());
            let unanswered = Unanswered { exchange, active, state, due };
            let mut retry_flag = Flag::None;
            let buffer = unanswered.exchange.client.thread.shared.limits.retry_buffer;
            let outcome = match *attempts {
                Attempts::One => {
                    let late = || Err(Failure::Timeout);
                    within(deadline, pin!(attempt::run(state, &active.upstream, buffer, request)), late).await
                }
                // Not boxed: nothing else is allocated for it.
                Attempts::Timed(timeout) if active.upstream.backend.policy.retries.is_none() => {
                    let client = Rc::clone(&unanswered.exchange.client);
                    state.time();
                    let timeouts = retries::Timeouts { attempt: timeout, due };
                    let late = || Err(Failure::Timeout);
                    let work = pin!(retries::once(state, &active.upstream, &client.thread, timeouts, request));
                    within(deadline, work, late).await
                }
                Attempts::Timed(timeout) => {
                    let client = Rc::clone(&unanswered.exchange.client);
                    state.time();
                    let timeouts = retries::Timeouts { attempt: timeout, due };
                    let mut ended = Box::pin(retries::run(state, &active.upstream, &client.thread, timeouts, request));
                    let late = || Ended { outcome: Err(Failure::Timeout), flag: Flag::None };
                    let ended = within(deadline, ended.as_mut(), late).await;
                    retry_flag = ended.flag;
                    ended.outcome
                }
            };
            std::mem::forget(unanswered);
            if retry_flag != Flag::None {
                exchange.note(|record| record.retry_flag = retry_flag);
            }
            if let Err(Failure::Timeout) = &outcome {
                active.upstream.backend.metrics.timeouts.total.increment(1);
                active.upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
            }
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
    fn finish(self: Box<Self>, outcome: Result<Box<UpstreamAnswer>, Failure>) -> Response<ResponseBody> {
        let Self {
            mut exchange,
            aimed: Aimed { state, active, deadline, cookies, .. },
            client_upgrade,
            edits,
            selected,
        } = *self;
        let counts = active.upstream.backend.policy.retries.as_ref().is_some_and(|retry| retry.count_attempts);
        let (attempts, made) = (state.attempts.get(), state.made());
        let mut touches = Touches { attempts: counts.then_some(attempts), edits, selected };
        let failure = match outcome {
            Ok(answer) => match refusal(&answer, client_upgrade.is_some(), &exchange) {
                Some(refusal) => refusal,
                None => {
                    exchange.note(|record| record.attempts = made);
                    let mut response = pass(exchange, answer, state, active, deadline, client_upgrade);
                    for cookie in cookies {
                        response.headers_mut().append(header::SET_COOKIE, cookie);
                    }
                    touches.apply(&mut response);
                    return response;
                }
            },
            Err(failure) => failure,
        };
        if matches!(failure, Failure::NoEndpoint) {
            active.upstream.backend.metrics.no_endpoint.increment(1);
        }
        let backend = &active.upstream.backend;
        if let Some(selected) = &mut touches.selected
            && let Some(cause) = selected.cause_of(&failure, backend.has_endpoints())
        {
            backend.metrics.failures.count(cause);
            selected.fail(&mut exchange, cause);
        }
        let wording = touches.selected.as_ref().and_then(|selected| selected.wording());
        // Nobody knows where the next request begins.
        let last = matches!(failure, Failure::Client) && !exchange.client.is_multiplexed();
        let reply = failure.into_local_reply(attempts > 1);
        let status = wording.map_or(reply.status, |wording| wording.status);
        active.answered(status, exchange.started.elapsed(), exchange.trace.as_deref());
        exchange.note(|record| state.tell(record));
        let mut response = reply::fail(exchange, reply, wording);
        if last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        touches.apply(&mut response);
        response
    }
}

/// What is done last to the head of an answer, whoever gave it.
struct Touches {
    /// How many attempts there were, if that is to be said.
    attempts: Option<u32>,
    edits: Option<Edits>,
    selected: Option<Box<Selected>>,
}

impl Touches {
    fn apply(self, response: &mut Response<ResponseBody>) {
        if let Some(attempts) = self.attempts {
            response.headers_mut().insert(retries::ATTEMPT_COUNT, attempts.into());
        }
        if let Some(edits) = self.edits {
            edits.apply(response);
        }
        if let Some(selected) = self.selected {
            selected.finish(response);
        }
    }
}

/// A request without an answer yet. Dropped, its client has left, or its time was over before that was noticed.
pub(super) struct Unanswered<'r> {
    pub(super) exchange: &'r mut Exchange,
    pub(super) active: &'r Active,
    pub(super) state: &'r RequestState,
    pub(super) due: Option<tokio::time::Instant>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let metrics = &self.active.upstream.backend.metrics;
        match self.exchange.left(self.due) {
            Cause::Deadline => metrics.timeouts.total.increment(1),
            _ => {
                metrics.abandoned.increment(1);
                metrics.abandoned_after.record(self.exchange.started.elapsed(), None);
            }
        }
        self.exchange.note(|record| self.state.tell(record));
    }
}

/// Why an answer cannot be passed on, if so.
fn refusal(answer: &UpstreamAnswer, upgrades: bool, exchange: &Exchange) -> Option<Failure> {
    let status = answer.response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return if !upgrades {
            Some(Failure::Protocol("upgrade_not_asked_for"))
        } else if !answer.incoming.may_tunnel() {
            Some(Failure::Protocol("upgrade_before_end_of_request"))
        } else {
            (!exchange.client.enter_tunnel()).then_some(Failure::Client)
        };
    }
    // Over HTTP/2 that would be taken for the other protocol (RFC 8441, 5).
    let taken_for_one = upgrades && exchange.client.is_multiplexed() && status.is_success();
    taken_for_one.then_some(Failure::Protocol("upgrade_not_taken"))
}

/// Passes an answer on.
fn pass(
    mut exchange: Exchange,
    answer: Box<UpstreamAnswer>,
    state: RequestState,
    active: Active,
    deadline: Option<Timer>,
    client_upgrade: Option<ClientUpgrade>,
) -> Response<ResponseBody> {
    let status = answer.response.status();
    let after = exchange.started.elapsed();
    active.answered(status, after, exchange.trace.as_deref());
    exchange.note(|record| {
        record.response_after = Some(after);
        record.upstream = Some(answer.pool.address());
        record.upstream_local = state.local.get();
        record.sent = state.begun.get();
        record.status = status.as_u16();
        record.flag = Flag::None;
        record.details = "via_upstream".into();
    });
    if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = client_upgrade
    {
        return tunnel::open(exchange, client, answer, active);
    }
    let UpstreamAnswer { response, incoming, present, guard, cut, silence, .. } = *answer;
    let (mut parts, ()) = response.into_parts();
    parts.version = Version::HTTP_11;
    headers::strip(&mut parts.headers, &present);
    let says_length = status == StatusCode::NOT_MODIFIED && present.says_length() && !exchange.client.is_multiplexed();
    let deadline = retries::sooner(deadline, cut, &exchange.client.thread.timers);
    exchange.end_by(deadline.as_ref().map(|deadline| deadline.deadline()));
    let body = UpstreamBody {
        incoming,
        deadline,
        active,
        sent: state.sent,
        complete: false,
        failed: None,
        silence: silence.map(Silence::new),
        gunzip: None,
        recorder: None,
        says_length,
        _guard: guard,
    };
    Response::from_parts(parts, ResponseBody::upstream(body, exchange))
}

/// What comes of `work`, or what is `late` if the deadline comes first.
pub(super) async fn within<T>(
    deadline: &mut Option<Timer>,
    mut work: Pin<&mut impl Future<Output = T>>,
    late: impl Fn() -> T,
) -> T {
    poll_fn(|cx| {
        let done = work.as_mut().poll(cx);
        match deadline {
            Some(deadline) if done.is_pending() => deadline.poll(cx).map(|()| late()),
            _ => done,
        }
    })
    .await
}
