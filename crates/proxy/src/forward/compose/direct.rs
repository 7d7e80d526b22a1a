//! The only call of a composition, whose answer is passed on as it is: without the engine, at the price of an ordinary route.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_balancer::Outcome;
use backstay_composition::{CallBody, CallError, CallPlan, DirectRequest, ErrorBody, Plan, RequestBody as Presence};
use backstay_model::Protocol;
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};

use super::Composed;
use super::client::{self, Again, Found, Reply, Source};
use super::response::{self, Passing};
use super::transport::{Answered, Context, frame, url};
use super::{error, request};
use crate::access::CallRecord;
use crate::activity::Cause;
use crate::body::{ClientBody, RequestBody};
use crate::config::{Action, CallTarget, Composition, Rule};
use crate::counts::CallOutcome;
use crate::exchange::Exchange;
use crate::forward::aim::{Aim, Aimed, Attempts, RouteTimeouts};
use crate::forward::asked::Asked;
use crate::forward::attempt::{self, UpstreamAnswer};
use crate::forward::failure::Failure;
use crate::forward::headers::{self, HopByHop};
use crate::forward::outbound::{Unanswered, within};
use crate::forward::request_state::RequestState;
use crate::forward::response_body::ResponseBody;
use crate::forward::retries::{self, Ended};
use crate::forward::{head, loops, reply};
use crate::local_reply::Flag;
use crate::trace::RequestTrace;

/// The only call of a composition, on its way.
#[derive(Debug)]
pub(in crate::forward) struct Direct {
    exchange: Exchange,
    aimed: Aimed,
    rule: Arc<Rule>,
    /// Position of the target.
    target: usize,
    /// When it was sent.
    began: Instant,
    undo_gzip: bool,
    /// What is asked after a redirect, where the request does not keep it.
    again: Option<Again>,
}

/// Makes of a request the call that its backend gets.
pub(super) fn decide(
    mut exchange: Exchange,
    mut parts: Parts,
    incoming: ClientBody,
    asked: &Asked<'_>,
    composition: &Composition,
    call: &CallPlan,
) -> Composed {
    let began = Instant::now();
    let rule = asked.matched.rule;
    let plan = &composition.plan;
    exchange.note(|record| record.request_id = parts.headers.get(headers::REQUEST_ID).cloned());
    let body = RequestBody::client(incoming, &exchange.client.activity, exchange.stream.as_ref());
    request::strip(&mut parts.headers, asked.present);
    let client = request::client_value(&exchange, &parts, asked);
    let (host, presence) = (asked.raw.clone(), if body.is_empty() { Presence::Empty } else { Presence::Present });
    let sent = request::with_parameters(&parts.uri, asked.matched, |parameters| {
        let query = parts.uri.query().unwrap_or_default();
        let request = DirectRequest { parameters, query, client, host, body: presence };
        plan.admit(call, &mut parts.headers, request)
    });
    let fail = |exchange, error| Composed::Answered(failed(exchange, rule, composition, began, &error));
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => return fail(exchange, error),
    };
    let Some(site) = composition.calls.first() else { return fail(exchange, CallError::NoEndpoint) };
    let Some((target, to)) = site.targets.next() else { return fail(exchange, CallError::NoEndpoint) };
    let Some(backend) = &to.backend else { return fail(exchange, CallError::NoEndpoint) };
    exchange.note(|record| record.backend = Some(Arc::clone(&backend.name)));
    parts.method.clone_from(&call.method);
    let Some(uri) = target_of(to, sent.target) else { return fail(exchange, CallError::NoEndpoint) };
    parts.uri = Uri::from(uri);
    let mut hop = HopByHop::default();
    let length = sent.length.filter(|_| sent.body == CallBody::Sized);
    frame(&parts.method, &mut parts.headers, &mut hop, body.is_empty(), length);
    let authority = to.authority.clone().unwrap_or_else(|| HeaderValue::from_static("unknown"));
    parts.headers.insert(header::HOST, authority);
    if let Err(reply) = loops::pass(backend, &mut parts.headers) {
        return Composed::Answered(reply::refuse(exchange, reply));
    }
    let timeouts = RouteTimeouts { request: Some(plan.settings().timeout), attempt: None };
    let aim = Aim { backend, port: to.port, timeouts };
    let attempts = aim.attempts();
    // Requests of HTTP/2, and those that are sent again, are gone when there is an answer.
    let keeps = matches!(attempts, Attempts::One) && backend.protocol == Protocol::Http1;
    let again = (site.redirects > 0 && !keeps).then(|| Again::of(&parts.method, &parts.headers, !body.is_empty()));
    head::rewrite_host(&mut parts, backend);
    let resolved = RequestState::authority(backend, &parts);
    let (hash, cookies) = aim.hashed(&exchange, &parts);
    if head::address(&mut parts, &hop, backend).is_none() {
        return fail(exchange, CallError::NoEndpoint);
    }
    if let Err(reply) = aim.fits(&exchange, &parts) {
        return Composed::Answered(reply::refuse(exchange, reply));
    }
    let mut state = RequestState::new(backend, (to.port, resolved), false, &parts, &body, hash, exchange.trace.clone());
    state.by_endpoint = to.authority.is_none();
    let request = Request::from_parts(parts, body);
    Composed::Direct(Box::new(Direct {
        aimed: Aimed {
            request,
            state,
            active: aim.active(&exchange),
            deadline: aim.deadline(&exchange),
            attempts,
            cookies,
        },
        rule: Arc::clone(rule),
        target,
        began,
        undo_gzip: sent.undo_gzip,
        again,
        exchange,
    }))
}

/// Path and query at `to`; `made` is what the call comes to, where that depends on the request.
fn target_of(to: &CallTarget, made: Option<String>) -> Option<PathAndQuery> {
    match made {
        None => to.fixed.clone(),
        Some(made) if to.base_path.is_empty() => PathAndQuery::try_from(made).ok(),
        Some(made) => PathAndQuery::try_from(format!("{}{made}", to.base_path)).ok(),
    }
}

impl Direct {
    /// Sends the call, and ends with the head of its answer.
    pub(in crate::forward) async fn send(mut self: Box<Self>) -> Response<ResponseBody> {
        let Self { exchange, aimed, .. } = &mut *self;
        let Aimed { request, state, active, deadline, attempts, .. } = aimed;
        let due = deadline.as_ref().map(|deadline| deadline.deadline());
        let unanswered = Unanswered { exchange, active, state, due };
        let buffer = unanswered.exchange.client.thread.shared.limits.retry_buffer;
        let outcome = match *attempts {
            Attempts::One => {
                let late = || Err(Failure::Timeout);
                within(deadline, pin!(attempt::run(state, &active.upstream, buffer, request)), late).await
            }
            Attempts::Timed(timeout) => {
                let client = Rc::clone(&unanswered.exchange.client);
                state.time();
                let timeouts = retries::Timeouts { attempt: timeout, due };
                let mut ended = Box::pin(retries::run(state, &active.upstream, &client.thread, timeouts, request));
                let late = || Ended { outcome: Err(Failure::Timeout), flag: Flag::None };
                within(deadline, ended.as_mut(), late).await.outcome
            }
        };
        std::mem::forget(unanswered);
        if let Err(Failure::Timeout) = &outcome {
            active.upstream.backend.metrics.timeouts.total.increment(1);
            active.upstream.report(state.current.borrow().as_ref(), Outcome::TimedOut);
        }
        match outcome {
            Ok(answer) if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                self.fail(Failure::Protocol("upgrade_not_asked_for"))
            }
            Ok(answer) if answer.response.status().is_redirection() => Box::pin(self.redirected(answer)).await,
            Ok(answer) => self.pass(answer),
            Err(failure) => self.fail(failure),
        }
    }

    /// Passes an answer on.
    fn pass(self: Box<Self>, answer: Box<UpstreamAnswer>) -> Response<ResponseBody> {
        let Self { exchange, aimed, rule, began, undo_gzip, .. } = *self;
        let Aimed { state, active, deadline, cookies, .. } = aimed;
        let now = Instant::now();
        let took = now.saturating_duration_since(exchange.started);
        active.answered(answer.response.status(), took, exchange.trace.as_deref());
        let answered = Answered::of(answer, active, state.sent, cookies);
        finish(exchange, &rule, answered, Passing { deadline, undo_gzip }, now.saturating_duration_since(began))
    }

    /// Follows where the answer leads, if it does.
    async fn redirected(mut self: Box<Self>, answer: Box<UpstreamAnswer>) -> Response<ResponseBody> {
        let rule = Arc::clone(&self.rule);
        let Action::Compose(composition) = &rule.action else { return self.pass(answer) };
        let Some(site) = composition.calls.first().filter(|site| site.redirects > 0) else { return self.pass(answer) };
        let Some(target) = site.targets.all().get(self.target) else { return self.pass(answer) };
        let had_body = !self.aimed.state.bodyless;
        if !client::leads_on(answer.response.status(), answer.response.headers(), had_body) {
            return self.pass(answer);
        }
        let request = &self.aimed.request;
        let kept = self.again.take();
        let again = kept.unwrap_or_else(|| Again::of(request.method(), request.headers(), had_body));
        let path = self.aimed.request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let asked = url(&self.aimed.active.upstream.backend, target.authority.as_ref(), path);
        let Self { mut exchange, aimed, began, undo_gzip, .. } = *self;
        let Aimed { state, active, mut deadline, cookies, .. } = aimed;
        let due = deadline.as_ref().map_or_else(Instant::now, |deadline| deadline.deadline().into_std());
        let answered = Answered::of(answer, active, state.sent, cookies);
        let found = {
            let leaving = response::Leaving { exchange: &mut exchange, due, progress: None };
            let thread = Rc::clone(&leaving.exchange.client.thread);
            let (peer, trace) = (leaving.exchange.address(), leaving.exchange.trace.clone());
            let context = Context { thread, peer, due, trace };
            let work = client::follow(&context, (site, target), again, Reply::of(answered).found(asked), None);
            let found = within(&mut deadline, pin!(work), || Err(CallError::Deadline)).await;
            std::mem::forget(leaving);
            found
        };
        match found {
            Ok(Found { status, headers, source: Source::Network(answered), .. }) => {
                let answered = Answered { status, headers, ..answered };
                finish(exchange, &rule, answered, Passing { deadline, undo_gzip }, began.elapsed())
            }
            // Nothing is kept for a call that passes nothing.
            Ok(Found { source: Source::Kept(_), .. }) => {
                failed(exchange, &rule, composition, began, &CallError::NoEndpoint)
            }
            Err(error) => failed(exchange, &rule, composition, began, &error),
        }
    }

    /// There is no answer.
    fn fail(self: Box<Self>, failure: Failure) -> Response<ResponseBody> {
        let Self { mut exchange, aimed: Aimed { request, state, active, .. }, rule, target, began, .. } = *self;
        let Action::Compose(composition) = &rule.action else {
            return reply::refuse(exchange, super::run::NO_COMPOSITION);
        };
        let backend = &active.upstream.backend;
        if matches!(failure, Failure::NoEndpoint) {
            backend.metrics.no_endpoint.increment(1);
        }
        let authority = composition.calls.first().and_then(|site| site.targets.all().get(target)?.authority.as_ref());
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let url = url(backend, authority, path);
        let host = authority.and_then(|authority| authority.to_str().ok()).unwrap_or_default();
        let method: &Method = composition.plan.direct().map_or_else(|| request.method(), |call| &call.method);
        let error = error::of_failure(&failure, method, &url, host, &state, backend.has_endpoints());
        let last = matches!(failure, Failure::Client) && !exchange.client.is_multiplexed();
        exchange.note(|record| state.tell(record));
        active.answered(StatusCode::INTERNAL_SERVER_ERROR, exchange.started.elapsed(), exchange.trace.as_deref());
        let mut response = failed(exchange, &rule, composition, began, &error);
        if last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The client's response out of an answer.
fn finish(
    mut exchange: Exchange,
    rule: &Arc<Rule>,
    mut answered: Answered,
    passing: Passing,
    took: Duration,
) -> Response<ResponseBody> {
    let (status, mut headers) = (answered.status, std::mem::take(&mut answered.headers));
    if let Action::Compose(composition) = &rule.action {
        tell(&mut exchange, rule, composition, took, CallOutcome::Ok, &mut headers, Some(&answered));
        composition.plan.add_fields(&mut headers);
    }
    exchange.note(|record| {
        record.status = status.as_u16();
        record.flag = Flag::None;
        record.details = "via_upstream".into();
    });
    let body = response::passed(exchange, answered, &mut headers, passing);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    reply::edit(&mut response, [&*rule.filters]);
    response
}

/// The client's response where there is no answer.
fn failed(
    mut exchange: Exchange,
    rule: &Arc<Rule>,
    composition: &Composition,
    began: Instant,
    error: &CallError,
) -> Response<ResponseBody> {
    let plan: &Plan = &composition.plan;
    let mut headers = HeaderMap::new();
    tell(&mut exchange, rule, composition, began.elapsed(), error::outcome(error), &mut headers, None);
    plan.add_fields(&mut headers);
    let mut body = Bytes::new();
    if plan.settings().output.errors == ErrorBody::Message {
        body = error.to_string().into();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    exchange.ends(Cause::Recorded);
    exchange.note(|record| {
        record.status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
        record.flag = error::flag(error);
        record.details = "composition_failed".into();
    });
    let mut response = Response::new(response::full(exchange, body, &mut headers));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    *response.headers_mut() = headers;
    reply::edit(&mut response, [&*rule.filters]);
    response
}

/// Tells of the call whoever is told.
fn tell(
    exchange: &mut Exchange,
    rule: &Rule,
    composition: &Composition,
    took: Duration,
    outcome: CallOutcome,
    headers: &mut HeaderMap,
    answered: Option<&Answered>,
) {
    if let Some(counts) = rule.calls.first() {
        counts.record(outcome, took, exchange.trace.as_deref().map(RequestTrace::ids));
    }
    let Some(site) = composition.calls.first() else { return };
    let upstream = answered.map(|answered| answered.address);
    exchange.note(|record| {
        record.upstream = upstream.or(record.upstream);
        record.calls = [CallRecord { name: Arc::clone(&site.name), outcome, duration: took, upstream }].into();
    });
    if let Some(name) = &composition.debug_header
        && let Some(value) = response::debug(&site.name, took, outcome)
    {
        headers.append(name, value);
    }
}
