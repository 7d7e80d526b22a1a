//! The calls of one request, until there is a response.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use backstay_composition::{
    Call, CallBody, CallError, CallId, Composition, DecodeError, Head, Plan, Request, ResponseBody as Body, Role,
    Settled, Step, Wanted,
};
use bytes::Bytes;
use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, StreamExt};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::time::{Sleep, sleep_until};

use super::answer_body::{self, Reading};
use super::call::{self, CallPayload};
use super::client::{Found, Source};
use super::progress::Progress;
use super::response::{Leaving, Passing};
use super::transport::Context;
use super::{error, kept_body, response, shadow};
use crate::body::{BodyProgress, RequestBody};
use crate::config::{Action, CallSite, Rule};
use crate::counts::CallOutcome;
use crate::exchange::Exchange;
use crate::forward::reply;
use crate::forward::response_body::ResponseBody;
use crate::local_reply::{Flag, LocalReply};

const TOO_LARGE: LocalReply = LocalReply::fixed(
    StatusCode::PAYLOAD_TOO_LARGE,
    "the request body is longer than can be kept",
    Flag::None,
    "request_body_too_large",
);
const BROKEN: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "the request body is malformed or incomplete",
    Flag::DownstreamProtocolError,
    "request_body_failed",
);
pub(super) const NO_COMPOSITION: LocalReply =
    LocalReply::fixed(StatusCode::INTERNAL_SERVER_ERROR, "", Flag::NoRoute, "no_composition");

/// A request whose calls are to be made.
#[derive(Debug)]
pub(in crate::forward) struct Composing {
    pub(super) exchange: Exchange,
    pub(super) rule: Arc<Rule>,
    pub(super) plan: Arc<Plan>,
    pub(super) request: Request,
    pub(super) body: RequestBody,
    pub(super) asked: AskedFor,
}

/// What expressions on a request see of it that its calls are not made of.
#[derive(Debug)]
pub(super) struct AskedFor {
    pub(super) method: Method,
    /// The path, decoded. Empty where there are no expressions.
    pub(super) path: String,
}

/// What a call has come to: the engine has been told, or is to be told.
struct Came {
    id: CallId,
    result: Result<Arrived, CallError>,
}

/// An answer, as far as it was wanted.
struct Arrived {
    head: Head,
    body: Bytes,
    /// What is left to be passed on.
    rest: Option<Rest>,
}

/// What is left of an answer that is passed on, and whether it is decompressed.
type Rest = (Source, bool);

type Calls<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Option<Came>> + 'a>>>;

impl Composing {
    /// Makes the calls, and ends with the head of the response.
    pub(in crate::forward) async fn run(self: Box<Self>) -> Response<ResponseBody> {
        let Self { mut exchange, rule, plan, request, body, asked } = *self;
        let Action::Compose(composition) = &rule.action else { return reply::refuse(exchange, NO_COMPOSITION) };
        let due = exchange.started + plan.deadline();
        let whole = exchange.started + plan.settings().timeout;
        let progress = body.progress();
        let leaving = Leaving { exchange: &mut exchange, due, progress: progress.clone() };
        let context = Context {
            thread: Rc::clone(&leaving.exchange.client.thread),
            peer: leaving.exchange.address(),
            due,
            trace: leaving.exchange.trace.clone(),
        };
        let length = CallPayload::length_of(&request.headers);
        if let Err(error) = Composition::check(&plan, &request, (asked.method.as_str(), &asked.path)) {
            std::mem::forget(leaving);
            return refused(exchange, &rule, composition, &request, error, progress);
        }
        let mut timer = Box::pin(sleep_until(due.into()));
        let body = match given(&plan, body, composition.request_bytes, &mut timer).await {
            Ok(body) => body,
            Err(reply) => {
                std::mem::forget(leaving);
                return reply::close(exchange, reply);
            }
        };
        if plan.checks_body() {
            let checked = match &body {
                Given::Kept(bytes) => plan.check_body(bytes),
                Given::Once(_) => plan.check_body(&[]),
            };
            if let Err(error) = checked {
                std::mem::forget(leaving);
                return refused(exchange, &rule, composition, &request, error.into(), progress);
            }
        }
        let (engine, step) = Composition::start(Arc::clone(&plan), request);
        let run = Run {
            context,
            rule: &rule,
            sites: &composition.calls,
            engine: RefCell::new(engine),
            reading: Reading::default(),
            body: RefCell::new(body),
            length,
        };
        let mut told = Told::default();
        let (response, rest) = run.finish(step, &mut timer, &mut told).await;
        std::mem::forget(leaving);
        let stream = match &response.body {
            Body::Stream(_) => rest,
            Body::Full(_) => None,
        };
        let stream = stream.map(|(source, undo_gzip)| {
            let deadline = Some(exchange.client.thread.timers.lend(whole.into()));
            (source, Passing { deadline, undo_gzip })
        });
        response::build(exchange, &rule, composition, response, stream, response::Told { calls: told, progress })
    }
}

/// The response to a request for which no call is made.
fn refused(
    exchange: Exchange,
    rule: &Arc<Rule>,
    composition: &crate::config::Composition,
    request: &Request,
    error: CallError,
    progress: Option<Rc<BodyProgress>>,
) -> Response<ResponseBody> {
    let response = Composition::refused(&composition.plan, request, error);
    response::build(exchange, rule, composition, response, None, response::Told { calls: Told::default(), progress })
}

/// The client's body, as calls get it.
enum Given {
    /// For the only one that gets it.
    Once(Option<RequestBody>),
    /// For each.
    Kept(Bytes),
}

async fn given(plan: &Plan, body: RequestBody, limit: usize, timer: &mut Pin<Box<Sleep>>) -> Result<Given, LocalReply> {
    if body.is_empty() || !plan.keeps_body() {
        return Ok(Given::Once(Some(body)));
    }
    tokio::select! {
        biased;
        kept = kept_body::keep(body, limit) => match kept {
            Ok(bytes) => Ok(Given::Kept(bytes)),
            Err(kept_body::NotKept::TooLong) => Err(TOO_LARGE),
            Err(kept_body::NotKept::Broken) => Err(BROKEN),
        },
        () = timer.as_mut() => Err(BROKEN),
    }
}

/// The calls of a request, and how they ended.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) calls: Vec<Rc<Progress>>,
}

/// What the calls of one request share.
struct Run<'r> {
    context: Context,
    rule: &'r Arc<Rule>,
    sites: &'r [CallSite],
    engine: RefCell<Composition>,
    reading: Reading,
    body: RefCell<Given>,
    length: Option<HeaderValue>,
}

impl<'r> Run<'r> {
    /// Makes calls until there is a response. With it comes the answer that is passed on, if one is.
    async fn finish(
        &self,
        first: Step,
        timer: &mut Pin<Box<Sleep>>,
        told: &mut Told,
    ) -> (backstay_composition::Response, Option<Rest>) {
        let mut calls: Calls<'_> = FuturesUnordered::new();
        let mut aborts: Vec<(CallId, AbortHandle)> = Vec::new();
        let mut rest: Option<Rest> = None;
        let mut step = first;
        loop {
            if let Some(response) = step.response {
                // Whoever is not needed any more goes with this.
                return (response, rest);
            }
            for id in std::mem::take(&mut step.cancelled) {
                aborts.iter().filter(|(of, _)| *of == id).for_each(|(_, abort)| abort.abort());
                told.end(id, CallOutcome::Cancelled);
            }
            for call in std::mem::take(&mut step.calls) {
                self.add(call, &calls, &mut aborts, told);
            }
            step = tokio::select! {
                biased;
                Some(came) = calls.next() => match came {
                    Some(came) => self.settle(came, &mut rest, told),
                    None => Step::default(),
                },
                () = timer.as_mut() => {
                    told.calls.iter().for_each(|call| call.end(CallOutcome::Timeout));
                    let step = self.engine.borrow_mut().on_deadline();
                    return (step.response.unwrap_or_else(late), rest);
                }
            };
        }
    }

    fn add<'s>(&'s self, call: Call, calls: &Calls<'s>, aborts: &mut Vec<(CallId, AbortHandle)>, told: &mut Told) {
        let payload = self.payload(&call);
        if let Role::Shadow { .. } = call.role {
            return shadow::make(&self.context, self.rule, call, payload);
        }
        let progress = Rc::new(Progress::new(call.id, call.position, self.rule.calls.get(call.position)));
        told.calls.push(Rc::clone(&progress));
        let (id, timeout) = (call.id, call.timeout);
        let work = self.work(call, payload, progress);
        let Some(timeout) = timeout else {
            calls.push(Box::pin(async move { Some(work.await) }));
            return;
        };
        // One of several copies: others may make it needless.
        let work = async move {
            let late = Came { id, result: Err(CallError::Deadline) };
            tokio::time::timeout(timeout, work).await.unwrap_or(late)
        };
        let (abort, registration) = AbortHandle::new_pair();
        aborts.push((id, abort));
        calls.push(Box::pin(async move { Abortable::new(work, registration).await.ok() }));
    }

    fn payload(&self, call: &Call) -> CallPayload {
        if call.body == CallBody::Empty {
            return CallPayload::empty();
        }
        let body = match &mut *self.body.borrow_mut() {
            Given::Once(body) => body.take().unwrap_or_else(RequestBody::empty),
            Given::Kept(bytes) => RequestBody::kept(bytes.clone()),
        };
        CallPayload { body, length: self.length.clone() }
    }

    async fn work(&self, call: Call, payload: CallPayload, progress: Rc<Progress>) -> Came {
        let id = call.id;
        Came { id, result: self.arrive(call, payload, &progress).await }
    }

    async fn arrive(&self, call: Call, payload: CallPayload, progress: &Progress) -> Result<Arrived, CallError> {
        let (id, undo_gzip) = (call.id, call.undo_gzip);
        let site = self.sites.get(call.position).ok_or(CallError::NoEndpoint)?;
        let passage = self.rule.passage(call.position);
        let Found { status, headers, source, url } =
            call::make(&self.context, site, call, payload, passage, progress).await?;
        let wanted = self.engine.borrow().wanted(id, status);
        let head = Head { status, headers, url };
        match (wanted, source) {
            (Wanted::Head, source) => {
                source.discard();
                Ok(Arrived { head, body: Bytes::new(), rest: None })
            }
            (Wanted::Stream, source) => Ok(Arrived { head, body: Bytes::new(), rest: Some((source, undo_gzip)) }),
            (Wanted::Body { limit }, Source::Network(mut answered)) => {
                let total = self.engine.borrow().bytes_left();
                let body = answer_body::read(&mut answered, limit, total, &self.reading).await?;
                Ok(Arrived { head, body, rest: None })
            }
            (Wanted::Body { limit }, Source::Kept(body)) if body.len() > limit => {
                Err(DecodeError::TooLong { limit }.into())
            }
            (Wanted::Body { .. }, Source::Kept(body)) => Ok(Arrived { head, body, rest: None }),
        }
    }

    fn settle(&self, came: Came, rest: &mut Option<Rest>, told: &Told) -> Step {
        let Came { id, result } = came;
        let mut engine = self.engine.borrow_mut();
        let step = match result {
            Ok(Arrived { head, body, rest: left }) => {
                if left.is_some() {
                    *rest = left;
                }
                engine.on_response(id, head, body)
            }
            Err(error) => {
                told.end(id, error::outcome(&error));
                engine.on_error(id, error)
            }
        };
        match &step.settled {
            Some(Settled::Complete) => told.end(id, CallOutcome::Ok),
            Some(Settled::Incomplete) => told.end(id, CallOutcome::Incomplete),
            Some(Settled::Failed(error)) => told.end(id, error::outcome(error)),
            None => told.end(id, CallOutcome::Cancelled),
        }
        step
    }
}

/// The response where there is none when the time is over.
fn late() -> backstay_composition::Response {
    let (status, body) = (StatusCode::INTERNAL_SERVER_ERROR, Body::Full(Bytes::new()));
    backstay_composition::Response { status, headers: HeaderMap::new(), body, errors: vec![CallError::Deadline] }
}

impl Told {
    fn end(&self, id: CallId, outcome: CallOutcome) {
        if let Some(call) = self.calls.iter().find(|call| call.id == id) {
            call.end(outcome);
        }
    }
}
