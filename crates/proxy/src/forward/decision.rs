//! What the configuration says about a request.

use std::rc::Rc;
use std::sync::Arc;

use backstay_destination::Authority;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::authority;
use super::body::{Body, RequestBody};
use super::headers::HeaderPresence;
use super::outbound::{Active, Attempts, Edits, Outbound, deadline};
use super::{attempt, grpc, hash, head, headers, loops, mirror, reply, request_target};
use crate::config::{Action, Forward, Target};
use crate::local_reply::{Flag, LocalReply};
use crate::route::Matched;
use crate::server::Exchange;

const NO_ROUTE: LocalReply = LocalReply::fixed(StatusCode::NOT_FOUND, "", Flag::NoRoute, "route_not_found");
const NO_BACKEND: LocalReply = LocalReply::fixed(StatusCode::INTERNAL_SERVER_ERROR, "", Flag::NoRoute, "no_backend");
const UNSENDABLE: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "the rewritten request target is not valid",
    Flag::DownstreamProtocolError,
    "invalid_rewritten_target",
);

/// What is to be done about a request.
pub(super) enum Decision {
    /// Nothing more.
    Answered(Response<Body>),
    /// To send it on.
    Forward(Box<Outbound>),
}

/// Decides what is to be done. The request is served by the configuration of this moment to its end.
pub(super) fn decide(mut exchange: Exchange, request: Request<Incoming>) -> Decision {
    let (mut parts, body) = request.into_parts();
    let present = HeaderPresence::among(&parts.headers);
    exchange.format.grpc = present.content_type && grpc::is_spoken(&parts.headers);
    let shared = &exchange.client.thread.shared;
    if exchange.client.is_multiplexed() {
        if !headers::is_within(&shared.limits, &parts) {
            shared.metrics.heads_too_large.increment(1);
            return Decision::Answered(reply::refuse(exchange, headers::TOO_LARGE));
        }
        if !headers::is_well_formed(&parts.headers) {
            return Decision::Answered(reply::refuse(exchange, headers::MALFORMED));
        }
    }
    let raw = match authority::of(&parts) {
        Ok(raw) => raw,
        Err(reply) => return Decision::Answered(reply::close(exchange, reply)),
    };
    exchange.note(|record| record.authority = Some(raw.clone()));
    let Some(authority) = Authority::parse(raw.as_bytes()) else {
        return Decision::Answered(reply::close(exchange, authority::INVALID));
    };
    if !request_target::is_valid(&parts.method, &parts.uri) {
        let Some(target) = request_target::normalized(parts.version, &parts.uri) else {
            return Decision::Answered(reply::close(exchange, request_target::INVALID));
        };
        exchange.note(|record| record.target = target.clone());
        parts.uri = target;
    }
    if !present.is_plainly_framed(&parts.headers) {
        return Decision::Answered(reply::close(exchange, headers::UNKNOWN_CODING));
    }
    let socket = exchange.client.socket.load();
    let found = socket.table.find(&authority.host, &parts.method, parts.uri.path(), parts.uri.query(), &parts.headers);
    let Some(matched) = found else { return Decision::Answered(reply::refuse(exchange, NO_ROUTE)) };
    exchange.note(|record| record.route = Some(Arc::clone(&matched.rule.route)));
    match &matched.rule.action {
        Action::Respond(respond) => Decision::Answered(reply::respond(exchange, respond, [&matched.rule.filters])),
        Action::Redirect(redirect) => {
            Decision::Answered(reply::redirect(exchange, redirect, &matched, &authority, &parts))
        }
        Action::Forward(forward) => decide_target(exchange, parts, body, &raw, &present, &matched, forward),
    }
}

/// Chooses one of the rule's targets, and makes the request that it gets.
fn decide_target(
    mut exchange: Exchange,
    mut parts: Parts,
    incoming: Incoming,
    authority: &HeaderValue,
    present: &HeaderPresence,
    matched: &Matched<'_>,
    forward: &Forward,
) -> Decision {
    let thread = Rc::clone(&exchange.client.thread);
    let index = forward.targets.choose(|total| thread.random_below(total));
    let Some((index, weighted)) = index else { return Decision::Answered(reply::refuse(exchange, NO_BACKEND)) };
    let filters = [&matched.rule.filters, &weighted.filters];
    let (backend, port) = match &weighted.target {
        Target::Backend { backend, port } => (backend, *port),
        Target::Respond(respond) => return Decision::Answered(reply::respond(exchange, respond, filters)),
    };
    exchange.note(|record| record.backend = Some(Arc::clone(&backend.name)));
    let client_upgrade = parts.extensions.remove::<OnUpgrade>();
    let mut body = RequestBody::client(incoming, &exchange);
    let Some(hop) = head::prepare(&mut exchange, &mut parts, present, authority, matched.prefix, filters, &body) else {
        return Decision::Answered(reply::refuse(exchange, UNSENDABLE));
    };
    if let Err(reply) = loops::pass(backend, &mut parts.headers) {
        return Decision::Answered(reply::refuse(exchange, reply));
    }
    for mirror in filters.iter().flat_map(|filters| &filters.mirrors) {
        mirror::copy(&thread, mirror, &parts, &hop, &mut body);
    }
    let upgrades = hop.upgrade.is_some();
    head::rewrite_host(&mut parts, backend);
    let mut state = attempt::RequestState::new(backend, port, &parts, &hop, &body);
    let mut cookies = Vec::new();
    if backend.policy.hashes() {
        let client = exchange.client.peer.ip();
        (state.hash, cookies) = hash::of(&backend.policy.hash, &parts, client, || thread.random());
    }
    let Some(request) = head::address(parts, hop, backend, body) else {
        return Decision::Answered(reply::refuse(exchange, UNSENDABLE));
    };
    let edits = filters.iter().any(|filters| !filters.response_headers.is_empty());
    Decision::Forward(Box::new(Outbound {
        deadline: deadline(forward, backend, exchange.started),
        attempts: Attempts::at(backend, forward),
        cookies,
        active: Active::count(thread.upstreams.get(backend, || thread.random())),
        client_upgrade: client_upgrade.filter(|_| upgrades),
        edits: edits.then(|| Edits { rule: Arc::clone(matched.rule), target: index }),
        exchange,
        request,
        state,
    }))
}
