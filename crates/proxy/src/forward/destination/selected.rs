//! The destination of a request that is under way.

use std::sync::Arc;

use backstay_model::sequence::{Cause, DestinationKind};
use http::request::Parts;
use http::{HeaderValue, Request, Response};

use super::choice::{self, Choice};
use super::edits::ResponseEdits;
use crate::body::RequestBody;
use crate::config::{Action, Destination, Rule, Sequence};
use crate::exchange::Exchange;
use crate::forward::aim::{Aim, Aimed, RouteTimeouts};
use crate::forward::failure::Failure;
use crate::forward::headers::HopByHop;
use crate::forward::loops;
use crate::forward::response_body::ResponseBody;
use backstay_model::Respond;

/// The destination that a sequence has selected for a request.
#[derive(Debug)]
pub(in crate::forward) struct Selected {
    rule: Arc<Rule>,
    /// Positions of the destination and of its member, as far as there are any.
    destination: Option<usize>,
    member: Option<usize>,
    edits: ResponseEdits,
    /// Why there is no answer from it.
    cause: Option<Cause>,
    failover: Option<Failover>,
}

/// What it takes to send a request to another member.
#[derive(Debug)]
struct Failover {
    /// The request's head before it was made for one backend.
    parts: Parts,
    hop: HopByHop,
    /// Members that were tried.
    tried: Vec<usize>,
    /// How many more may be.
    left: usize,
    /// Hash that members are chosen by.
    key: Option<u64>,
}

impl Selected {
    /// `None` if the action of `rule` is no sequence.
    pub(in crate::forward) fn new(rule: &Arc<Rule>, destination: Option<usize>, edits: ResponseEdits) -> Option<Self> {
        matches!(rule.action, Action::Sequence(_)).then(|| Self {
            rule: Arc::clone(rule),
            destination,
            member: None,
            edits,
            cause: None,
            failover: None,
        })
    }

    fn sequence(&self) -> Option<&Sequence> {
        match &self.rule.action {
            Action::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    fn destination(&self) -> Option<&Destination> {
        self.sequence()?.destinations.get(self.destination?)
    }

    /// The request goes to `member`.
    pub(in crate::forward) fn go(&mut self, member: usize, exchange: &mut Exchange) {
        self.member = Some(member);
        self.note(exchange);
    }

    /// Tells the access log.
    pub(in crate::forward) fn note(&self, exchange: &mut Exchange) {
        let Some(destination) = self.destination() else { return };
        let member = self.member.and_then(|member| destination.members().get(member));
        exchange.note(|record| {
            record.destination = Some(Arc::clone(&destination.name));
            record.backend = member.and_then(|member| Some(Arc::clone(&member.backend.as_ref()?.name)));
        });
    }

    /// Keeps what it takes to send the request to another member, if there may be one.
    pub(in crate::forward) fn keep(&mut self, parts: &Parts, hop: &HopByHop, key: Option<u64>) {
        let Some(DestinationKind::Pool(pool)) = self.destination().map(|destination| &destination.kind) else { return };
        let left = pool.retries.min(pool.members.len().saturating_sub(1));
        if left > 0 {
            let tried = Vec::with_capacity(left);
            self.failover = Some(Failover { parts: parts.clone(), hop: hop.clone(), tried, left, key });
        }
    }

    /// The same request for another member, if one may be tried, none of it has been sent and `request` has all of its body.
    pub(in crate::forward) fn next(
        &mut self,
        failure: &Failure,
        request: &mut Request<RequestBody>,
        exchange: &mut Exchange,
    ) -> Option<Aimed> {
        if !failure.is_without_connection() {
            return None;
        }
        let Failover { parts, hop, mut tried, left, key } = self.failover.take()?;
        tried.extend(self.member);
        let thread = std::rc::Rc::clone(&exchange.client.thread);
        let chosen = choice::choose(self.destination()?, key, &tried, |total| thread.random_below(total));
        let Choice::Member(member) = chosen else { return None };
        let (backend, port) = {
            let member = self.destination()?.members().get(member)?;
            (Arc::clone(member.backend.as_ref()?), member.port)
        };
        let timeouts = RouteTimeouts { request: self.sequence()?.request_timeout, attempt: None };
        let mut head = parts.clone();
        loops::pass(&backend, &mut head.headers).ok()?;
        let body = std::mem::replace(request, Request::new(RequestBody::empty())).into_body();
        let aimed = Aim { backend: &backend, port, timeouts }.take(exchange, head, hop.clone(), body).ok()?;
        self.go(member, exchange);
        self.failover = (left > 1).then(|| Failover { parts, hop, tried, left: left - 1, key });
        Some(aimed)
    }

    /// Why there is no answer, of which `failure` is the last.
    pub(in crate::forward) fn cause_of(&self, failure: &Failure, has_endpoints: bool) -> Option<Cause> {
        let of_pool = matches!(self.destination()?.kind, DestinationKind::Pool(_));
        match failure.cause(has_endpoints)? {
            Cause::ConnectionLimit => Some(Cause::ConnectionLimit),
            _ if of_pool && failure.is_without_connection() => Some(Cause::PoolUnhealthy),
            cause => Some(cause),
        }
    }

    /// There is no answer because of `cause`.
    pub(in crate::forward) fn fail(&mut self, exchange: &mut Exchange, cause: Cause) {
        self.cause = Some(cause);
        exchange.client.thread.shared.metrics.destination_failures.count(cause);
        exchange.note(|record| record.cause = Some(cause.as_str()));
    }

    /// What the client is told of the failure, if the operator has words for it.
    pub(in crate::forward) fn wording(&self) -> Option<&Respond> {
        self.sequence()?.replies.get(self.cause?).map(|reply| &**reply)
    }

    /// Makes a response the client's.
    pub(in crate::forward) fn finish(mut self, response: &mut Response<ResponseBody>) {
        std::mem::take(&mut self.edits).apply(response.headers_mut());
        if let Some(name) = self.sequence().and_then(|sequence| sequence.backend_header.as_ref())
            && let Ok(value) = HeaderValue::try_from(self.provenance())
        {
            response.headers_mut().insert(name.clone(), value);
        }
    }

    /// The destination, the member of a pool, and why there is no answer.
    fn provenance(&self) -> String {
        let Some(destination) = self.destination() else {
            return self.cause.map_or_else(String::new, |cause| format!("cause={}", cause.as_str()));
        };
        let mut text = destination.name.to_string();
        if let DestinationKind::Pool(pool) = &destination.kind
            && let Some(member) = self.member.and_then(|member| pool.members.get(member))
        {
            text.extend(["/", &member.name]);
        }
        if let Some(cause) = self.cause {
            text.extend(["; cause=", cause.as_str()]);
        }
        text
    }
}
