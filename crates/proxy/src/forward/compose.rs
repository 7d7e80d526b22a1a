//! Compositions: the calls that `backstay_composition` asks for are made, and its response is the client's.
//!
//! The engine decides what is asked, when, and what is made of the answers; here is the network. Each call goes the way of any other
//! request (endpoints, health, limits, TLS, retries of the backend's policy), all calls of a request on the thread of the request.
//!
//! # Layout
//!
//! - `request`: a client's request as the engine takes it. `kept_body`: a body that several calls get.
//! - `direct`: the only call of one whose answer is passed on, without the engine.
//! - `run`: the calls of one request, until there is a response. `response`: the response. `shadow`: calls that nobody waits for.
//! - `call`: what one call passes, in order. `passing`: breakers, rate limits and changes. `progress`: how far it has come, and what is
//!   told of it.
//! - `client`: redirects. `authorization`: tokens that calls carry. `cached`: answers that are kept. `transport`: one request to one
//!   backend. `answer_body`: the body of its answer.
//! - `error`: what went wrong, in the engine's words.

mod answer_body;
mod authorization;
mod cached;
mod call;
mod client;
mod direct;
mod error;
mod kept_body;
mod passing;
mod progress;
mod request;
mod response;
mod run;
mod shadow;
mod transport;

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use super::asked::Asked;
use super::response_body::ResponseBody;
use crate::body::{ClientBody, RequestBody};
use crate::config::Composition;
use crate::exchange::Exchange;
pub(super) use direct::Direct;
pub(super) use run::Composing;

/// What is to be done about a request whose rule is a composition.
#[expect(clippy::large_enum_variant, reason = "each request makes one: a box would be an allocation more")]
pub(super) enum Composed {
    /// Nothing more.
    Answered(Response<ResponseBody>),
    /// To make calls.
    Calls(Box<Composing>),
    /// To make the only call, and pass its answer on.
    Direct(Box<Direct>),
}

/// Decides on a request whose rule is `composition`.
pub(super) fn decide(
    mut exchange: Exchange,
    parts: Parts,
    incoming: ClientBody,
    asked: &Asked<'_>,
    composition: &Composition,
) -> Composed {
    if let Some(call) = composition.plan.direct()
        && asked.matched.rule.passage(0).is_none()
        && composition.claims.is_empty()
        && composition.calls.first().is_none_or(|site| site.credentials.is_none())
    {
        return direct::decide(exchange, parts, incoming, asked, composition, call);
    }
    exchange.note(|record| record.request_id = parts.headers.get(super::headers::REQUEST_ID).cloned());
    let body = RequestBody::client(incoming, &exchange.client.activity, exchange.stream.as_ref());
    let asked_for = request::asked_for(&parts, composition);
    let request = request::of(&exchange, parts, asked, &body, composition);
    Composed::Calls(Box::new(Composing {
        exchange,
        rule: Arc::clone(asked.matched.rule),
        plan: Arc::clone(&composition.plan),
        request,
        body,
        asked: asked_for,
    }))
}
