//! Attempts: each with its own timeouts, and how many there are.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use backstay_balancer::{AttemptResponse, Decision, NoRetry, Outcome, Permit, Retries, parse_retry_after};
use http::request::Parts;
use http::{HeaderName, Request, StatusCode, header};
use tokio::time::sleep;

use super::attempt::{self, UpstreamAnswer};
use super::failure::Failure;
use super::grpc;
use super::guard::RequestGuard;
use super::request_state::RequestState;
use crate::body::{Replay, RequestBody};
use crate::data_thread::{DataThread, Timer, Timers};
use crate::local_reply::Flag;
use crate::upstream::{Incoming, Upstream};
use backstay_model::Retry;
use backstay_upstream::counts::RetryCounts;

/// Longest the rest of an answer that is not passed on may be, for its connection to be kept.
const MAX_DISCARDED: u64 = 16 << 10;
/// How long that rest may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// What came of all attempts.
pub(super) struct Ended {
    pub(super) outcome: Result<Box<UpstreamAnswer>, Failure>,
    /// Why there was no further one, if one was called for.
    pub(super) flag: Flag,
}

/// How long attempts may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Each, until the end of its answer.
    pub(super) attempt: Option<Duration>,
    /// When all of them must have ended.
    pub(super) due: Option<tokio::time::Instant>,
}

/// Says which attempt it is.
pub(super) const ATTEMPT_COUNT: HeaderName = HeaderName::from_static("x-envoy-attempt-count");

/// Sends a request, and again as the backend's policy says.
pub(super) async fn run(
    state: &RequestState,
    upstream: &Upstream,
    thread: &DataThread,
    timeouts: Timeouts,
    outer: &mut Request<RequestBody>,
) -> Ended {
    let buffer = thread.shared.limits.retry_buffer;
    let Some(policy) = &upstream.backend.policy.retries else {
        return Ended { outcome: once(state, upstream, thread, timeouts, outer).await, flag: Flag::None };
    };
    let metrics = &upstream.backend.metrics.retries;
    let (parts, body) = std::mem::replace(outer, Request::new(RequestBody::empty())).into_parts();
    let replay = (!body.is_empty()).then(|| {
        let progress = body.progress();
        Replay::new(body, progress, buffer, Some(Arc::clone(&upstream.backend.metrics)))
    });
    let mut retries = Retries::new(&policy.policy);
    let mut permit: Option<Permit> = None;
    loop {
        let body = replay.as_ref().map_or_else(RequestBody::empty, |replay| RequestBody::replayed(replay.body()));
        let mut request = again(&parts, body);
        if policy.count_attempts {
            request.headers_mut().insert(ATTEMPT_COUNT, state.attempts.get().into());
        }
        let outcome = attempt(state, upstream, Some(policy), timeouts, thread, &mut request).await;
        let decision = decide(&mut retries, policy, metrics, &outcome, thread.random());
        let flag = match decision {
            Decision::No(NoRetry::NotCovered) => {
                metrics.successes.increment(u64::from(state.attempts.get() > 1 && outcome.is_ok()));
                Flag::None
            }
            Decision::No(NoRetry::Exhausted) => {
                metrics.exhausted.increment(1);
                Flag::UpstreamRetryLimitExceeded
            }
            Decision::After(_) if replay.as_ref().is_some_and(|replay| !replay.can_repeat()) => Flag::None,
            Decision::After(wait) => {
                // Its place is free for the next one, its own or another's.
                drop(permit.take());
                match upstream.backend.breakers.retry() {
                    Ok(granted) => {
                        permit = Some(granted);
                        metrics.policy.increment(1);
                        if policy.avoid_previous_hosts
                            && let Some(address) = address(state, &outcome)
                        {
                            state.avoid.borrow_mut().push(address);
                        }
                        if let Some(replay) = &replay {
                            replay.recall();
                        }
                        if let Ok(answer) = outcome {
                            discard(answer.incoming, answer.guard);
                        }
                        sleep(wait).await;
                        state.attempts.set(state.attempts.get() + 1);
                        continue;
                    }
                    Err(_) => Flag::UpstreamOverflow,
                }
            }
        };
        if outcome.is_err() && !state.exposed.get() {
            restore(state, &parts, replay.as_ref(), outer);
        }
        let outcome = outcome.map(|mut answer| {
            answer.guard.retry = permit;
            answer
        });
        return Ended { outcome, flag };
    }
}

/// Sends a request once, where the backend has no policy on retries.
pub(super) async fn once(
    state: &RequestState,
    upstream: &Upstream,
    thread: &DataThread,
    timeouts: Timeouts,
    request: &mut Request<RequestBody>,
) -> Result<Box<UpstreamAnswer>, Failure> {
    attempt(state, upstream, None, timeouts, thread, request).await
}

/// Gives back a request that no endpoint has seen, so that another backend can have it.
fn restore(
    state: &RequestState,
    parts: &Parts,
    replay: Option<&Replay<RequestBody>>,
    outer: &mut Request<RequestBody>,
) {
    let body = match replay {
        None => RequestBody::empty(),
        Some(replay) if replay.can_repeat() => {
            replay.recall();
            RequestBody::replayed(replay.body())
        }
        Some(_) => return state.exposed.set(true),
    };
    *outer = again(parts, body);
}

/// One attempt, cut when its time is over.
async fn attempt(
    state: &RequestState,
    upstream: &Upstream,
    policy: Option<&Retry>,
    timeouts: Timeouts,
    thread: &DataThread,
    request: &mut Request<RequestBody>,
) -> Result<Box<UpstreamAnswer>, Failure> {
    let started = Instant::now();
    state.begun.set(None);
    let per_try = shorter(policy.and_then(|policy| policy.per_try_timeout), timeouts.attempt);
    let idle = policy.and_then(|policy| policy.per_try_idle_timeout);
    let first_byte = shorter(upstream.backend.timeouts.first_byte, idle);
    let silent = || if idle == first_byte { Failure::PerTryIdleTimeout } else { Failure::FirstByteTimeout };
    // Of several that have passed when anyone looks, the one that was due first ends it: that of all attempts is looked at
    // outside of this.
    let is_first = |at: Instant| timeouts.due.is_none_or(|due| at < due.into_std());
    let whole = per_try.map(|timeout| started + timeout).filter(|at| is_first(*at));
    let mut whole = whole.map(|at| thread.timers.lend(at.into()));
    let mut silence = first_byte.map(|timeout| (timeout, thread.timers.lend((started + timeout).into())));
    let buffer = thread.shared.limits.retry_buffer;
    let mut work = pin!(attempt::run(state, upstream, buffer, request));
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        let late = whole.as_mut().and_then(|whole| match whole.poll(cx) {
            Poll::Ready(()) => Some(whole.deadline().into_std()),
            Poll::Pending => None,
        });
        if let Some((timeout, timer)) = &mut silence {
            while timer.poll(cx).is_ready() {
                // From when all was sent; as long as it is not, from now.
                let due = state.finished_sending().unwrap_or_else(Instant::now) + *timeout;
                if due <= Instant::now() {
                    if !is_first(due) {
                        break;
                    }
                    let is_first = late.is_none_or(|late| due < late);
                    return Poll::Ready(Err(if is_first { silent() } else { Failure::PerTryTimeout }));
                }
                timer.set(due.into());
            }
        }
        if late.is_some() { Poll::Ready(Err(Failure::PerTryTimeout)) } else { Poll::Pending }
    })
    .await;
    if let Err(failure @ (Failure::PerTryTimeout | Failure::FirstByteTimeout | Failure::PerTryIdleTimeout)) = &outcome {
        let counts = &upstream.backend.metrics.timeouts;
        let first_byte = matches!(failure, Failure::FirstByteTimeout);
        if first_byte { &counts.first_byte } else { &counts.per_try }.increment(1);
        upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
    }
    outcome.map(|mut answer| {
        answer.cut = timeouts.attempt.map(|timeout| started + timeout);
        answer.silence = shorter(idle, upstream.backend.timeouts.between_bytes);
        answer
    })
}

fn decide(
    retries: &mut Retries<'_>,
    policy: &Retry,
    metrics: &RetryCounts,
    outcome: &Result<Box<UpstreamAnswer>, Failure>,
    random: u64,
) -> Decision {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => {
            return match failure.kind() {
                Some(kind) => retries.after_failure(kind, random),
                None => Decision::No(NoRetry::NotCovered),
            };
        }
    };
    if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Decision::No(NoRetry::NotCovered);
    }
    let headers = answer.response.headers();
    let answer = AttemptResponse {
        status: answer.response.status().as_u16(),
        grpc_status: grpc::status(headers),
        has_header: &|name| headers.contains_key(name),
    };
    let wanted = headers.get(header::RETRY_AFTER).and_then(|value| parse_retry_after(value.as_bytes()));
    let decision = retries.after_answer(&answer, wanted, random);
    let longest = policy.policy.max_retry_after;
    if matches!(decision, Decision::After(_)) && wanted.zip(longest).is_some_and(|(wanted, longest)| wanted > longest) {
        metrics.long_waits.increment(1);
    }
    decision
}

fn address(state: &RequestState, outcome: &Result<Box<UpstreamAnswer>, Failure>) -> Option<SocketAddr> {
    match outcome {
        Ok(answer) => Some(answer.pool.address()),
        Err(_) => state.tried(),
    }
}

/// Reads what is left of an answer that is not passed on, if that is little: its connection can carry another request then.
pub(super) fn discard(mut incoming: Incoming, guard: RequestGuard) {
    if incoming.is_end_stream() {
        return incoming.done();
    }
    if incoming.size_hint().upper().is_none_or(|size| size > MAX_DISCARDED) {
        return;
    }
    drop(guard);
    tokio::task::spawn_local(async move {
        let rest = async {
            while let Some(frame) = poll_fn(|cx| incoming.poll_frame(cx)).await {
                if frame.is_err() {
                    return false;
                }
            }
            true
        };
        if matches!(tokio::time::timeout(DISCARD_TIMEOUT, rest).await, Ok(true)) {
            incoming.done();
        }
    });
}

/// The request once more. What rides along with a request (such as the wish to change protocols) is not needed to send it.
fn again(parts: &Parts, body: RequestBody) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.version_mut() = parts.version;
    request.headers_mut().clone_from(&parts.headers);
    request
}

/// The earlier of two times.
pub(super) fn sooner(timer: Option<Timer>, at: Option<Instant>, timers: &Rc<Timers>) -> Option<Timer> {
    let Some(at) = at.map(Into::into) else { return timer };
    let mut timer = timer.unwrap_or_else(|| timers.lend(at));
    if at < timer.deadline() {
        timer.set(at);
    }
    Some(timer)
}

fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (only, None) | (None, only) => only,
    }
}
