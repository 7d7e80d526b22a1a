//! Sequences: steps that decide on a request one after another, and the destination that they select.
//!
//! # Layout
//!
//! - `evaluation`: a request as the expressions see it. `steps`: what they do to it.

mod evaluation;
mod steps;

use std::rc::Rc;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::aim::{Aim, RouteTimeouts, UNSENDABLE};
use super::asked::Asked;
use super::destination::{self, Choice, ResponseEdits, Selected};
use super::failure::NO_ENDPOINT;
use super::head::HeadEdits;
use super::headers::HopByHop;
use super::outbound::{Decision, Edits, Outbound};
use super::{head, loops, mirror, reply};
use crate::body::{ClientBody, RequestBody};
use crate::config::{Filters, Sequence};
use crate::exchange::{ClientUpgrade, Exchange};
use crate::local_reply::{Flag, LocalReply};
use backstay_model::sequence::Cause;
use evaluation::Evaluation;
use steps::End;

const NO_DESTINATION: LocalReply =
    LocalReply::fixed(StatusCode::INTERNAL_SERVER_ERROR, "", Flag::NoRoute, "no_destination");
const UNKNOWN_BACKEND: LocalReply = LocalReply::fixed(
    StatusCode::INTERNAL_SERVER_ERROR,
    "the route's backend is not known to this proxy",
    Flag::NoRoute,
    "no_backend",
);
const UNKNOWN_LOOKUP: LocalReply = LocalReply::fixed(
    StatusCode::INTERNAL_SERVER_ERROR,
    "a table or an address set of the route is not known to this proxy",
    Flag::NoRoute,
    "no_table_or_address_set",
);
/// Lets `sequence` decide on a request.
pub(super) fn decide(
    mut exchange: Exchange,
    mut parts: Parts,
    incoming: ClientBody,
    asked: &Asked<'_>,
    sequence: &Sequence,
) -> Decision {
    let client_upgrade = ClientUpgrade::take(&mut parts);
    let body = RequestBody::client(incoming, &exchange.client.activity, exchange.stream.as_ref());
    let none = Filters::default();
    let filters = [&*asked.matched.rule.filters, &none];
    let edits = HeadEdits { authority: asked.raw, prefix: asked.matched.prefix, filters };
    let hop = head::prepare(&mut exchange, &mut parts, asked.present, &edits, &body);
    let Some(hop) = hop else { return Decision::Answered(reply::refuse(exchange, UNSENDABLE)) };
    let mut evaluation = Evaluation::new(sequence, &exchange, &asked.authority.host, parts);
    let mut edits = ResponseEdits::default();
    let end = steps::run(&mut evaluation, &mut edits);
    let key = match end {
        End::Send(Some(index)) => sequence.destinations.get(index).and_then(|destination| evaluation.key(destination)),
        _ => None,
    };
    let Evaluation { parts, unknown, .. } = evaluation;
    if unknown.get() {
        return Decision::Answered(reply::refuse(exchange, UNKNOWN_LOOKUP));
    }
    match end {
        End::Unsendable => Decision::Answered(reply::refuse(exchange, UNSENDABLE)),
        End::Respond(respond, computed) => {
            let mut response = reply::respond(exchange, respond, computed, [&*asked.matched.rule.filters]);
            edits.apply(response.headers_mut());
            Decision::Answered(response)
        }
        End::Redirect(redirect) => {
            let mut response = reply::redirect(exchange, redirect, asked.matched, asked.authority, &parts);
            edits.apply(response.headers_mut());
            Decision::Answered(response)
        }
        End::Send(selected) => {
            send(Sending { exchange, parts, hop, body, edits, client_upgrade, key }, asked, sequence, selected)
        }
    }
}

/// A request that the steps let pass.
struct Sending {
    exchange: Exchange,
    parts: Parts,
    hop: HopByHop,
    body: RequestBody,
    edits: ResponseEdits,
    client_upgrade: Option<ClientUpgrade>,
    /// Hash that members of the destination are chosen by.
    key: Option<u64>,
}

impl Sending {
    /// Answers in place of a destination.
    fn fail(mut self, asked: &Asked<'_>, cause: Cause, destination: Option<usize>, fallback: LocalReply) -> Decision {
        let Some(mut selected) = Selected::new(asked.matched.rule, destination, self.edits) else {
            return Decision::Answered(reply::refuse(self.exchange, fallback));
        };
        selected.note(&mut self.exchange);
        selected.fail(&mut self.exchange, cause);
        let mut response = reply::refuse_as(self.exchange, fallback, selected.wording());
        reply::edit(&mut response, [&*asked.matched.rule.filters]);
        selected.finish(&mut response);
        Decision::Answered(response)
    }
}

/// Sends a request to the destination at `index`.
fn send(sending: Sending, asked: &Asked<'_>, sequence: &Sequence, index: Option<usize>) -> Decision {
    let Some((index, to)) = index.and_then(|index| Some((index, sequence.destinations.get(index)?))) else {
        return sending.fail(asked, Cause::NoDestination, None, NO_DESTINATION);
    };
    let thread = Rc::clone(&sending.exchange.client.thread);
    let key = sending.key;
    let member = match destination::choose(to, key, &[], |total| thread.random_below(total)) {
        Choice::Member(member) => member,
        Choice::None(cause) => return sending.fail(asked, cause, Some(index), NO_ENDPOINT),
    };
    let Some((backend, port)) =
        to.members().get(member).and_then(|member| Some((Arc::clone(member.backend.as_ref()?), member.port)))
    else {
        return Decision::Answered(reply::refuse(sending.exchange, UNKNOWN_BACKEND));
    };
    let Some(mut selected) = Selected::new(asked.matched.rule, Some(index), sending.edits) else {
        return Decision::Answered(reply::refuse(sending.exchange, UNKNOWN_BACKEND));
    };
    let Sending { mut exchange, mut parts, hop, mut body, client_upgrade, .. } = sending;
    selected.go(member, &mut exchange);
    selected.keep(&parts, &hop, key);
    if let Err(reply) = loops::pass(&backend, &mut parts.headers) {
        return Decision::Answered(reply::refuse(exchange, reply));
    }
    for mirror in &asked.matched.rule.filters.mirrors {
        mirror::copy(&exchange, mirror, &parts, &hop, &mut body);
    }
    let upgrades = hop.upgrade.is_some();
    let timeouts = RouteTimeouts { request: sequence.request_timeout, attempt: None };
    let aimed = match (Aim { backend: &backend, port, timeouts }).take(&exchange, parts, hop, body) {
        Ok(aimed) => aimed,
        Err(reply) => return Decision::Answered(reply::refuse(exchange, reply)),
    };
    let edits = !asked.matched.rule.filters.response_headers.is_empty();
    Decision::Forward(Box::new(Outbound {
        aimed,
        client_upgrade: client_upgrade.filter(|_| upgrades),
        edits: edits.then(|| Edits { rule: Arc::clone(asked.matched.rule), target: 0 }),
        selected: Some(Box::new(selected)),
        exchange,
    }))
}
