//! What the configuration says about a request.

use std::rc::Rc;
use std::sync::Arc;

use backstay_destination::Authority;
use backstay_model::Protocol;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};

use super::aim::{Aim, Aimed, RouteTimeouts, UNSENDABLE};
use super::asked::Asked;
use super::authority;
use super::compose::{Composed, Composing, Direct};
use super::echo::Echoing;
use super::guards::{self, Additions, Inquiry, Verdict, Waiter, Wanted};
use super::head::HeadEdits;
use super::headers::HeaderPresence;
use super::outbound::{Decision, Edits, Outbound};
use super::request_state::RequestState;
use super::response_body::ResponseBody;
use super::unmatched::{Lookup, NO_ROUTE};
use super::{compose, connect, echo, grpc, head, headers, loops, mirror, reply, request_target, sequence, unmatched};
use crate::body::{ClientBody, RequestBody};
use crate::config::{Action, Forward, Target};
use crate::exchange::{ClientUpgrade, Exchange};
use crate::local_reply::{Flag, LocalReply};

const NO_BACKEND: LocalReply = LocalReply::fixed(StatusCode::INTERNAL_SERVER_ERROR, "", Flag::NoRoute, "no_backend");
/// For the connection on which the host's listener is (RFC 9110, 15.5.20): what one listener lets in must not be a way into another.
const MISDIRECTED: LocalReply = LocalReply::fixed(
    StatusCode::MISDIRECTED_REQUEST,
    "the host is served on connections of its own",
    Flag::NoRoute,
    "misdirected_request",
);

/// What is to be done about a request, whatever the action of its rule.
#[expect(clippy::large_enum_variant, reason = "each request makes one: a box would be an allocation more")]
pub(super) enum Course {
    /// Nothing more.
    Answered(Response<ResponseBody>),
    /// To send it on.
    Forward(Box<Outbound>),
    /// To make the calls of a composition.
    Compose(Box<Composing>),
    /// To make the only call of one, and pass its answer on.
    Direct(Box<Direct>),
    /// To tell it what it was.
    Echo(Box<Echoing>),
    /// Nothing yet: it is decided on again when it has waited.
    Wait(Box<Undecided>),
}

/// A request that waits before anything is done about it.
pub(super) struct Undecided {
    waiter: Box<Waiter>,
    pub(super) exchange: Exchange,
    request: Request<ClientBody>,
}

impl Undecided {
    /// Waits. What is in force may have changed by then.
    pub(super) async fn wait(self: Box<Self>) -> (Exchange, Request<ClientBody>) {
        let Self { waiter, mut exchange, request } = *self;
        waiter.wait(&mut exchange).await;
        (exchange, request)
    }
}

impl From<Decision> for Course {
    #[inline]
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Answered(response) => Self::Answered(response),
            Decision::Forward(outbound) => Self::Forward(outbound),
        }
    }
}

/// Decides what is to be done. The request is served by the configuration of this moment to its end. What its answer gets by the
/// guards that it passes is noted in `additions`. One that has `waited` already does not wait again.
pub(super) fn decide(
    mut exchange: Exchange,
    request: Request<ClientBody>,
    additions: &mut Additions,
    waited: bool,
) -> Course {
    let (mut parts, body) = request.into_parts();
    let mut present = HeaderPresence::among(&parts.headers);
    exchange.format.grpc = present.content_type && grpc::is_spoken(&parts.headers);
    let shared = &exchange.client.thread.shared;
    if exchange.client.is_multiplexed() {
        if !headers::is_within(&exchange.client, &parts) {
            shared.metrics.heads_too_large.increment(1);
            return Course::Answered(reply::refuse(exchange, headers::TOO_LARGE));
        }
        if !headers::is_well_formed(&parts.headers) {
            return Course::Answered(reply::refuse(exchange, headers::MALFORMED));
        }
        if parts.method == Method::CONNECT
            && let Err(reply) = connect::translate(&exchange, &mut parts, &mut present)
        {
            return Course::Answered(reply::refuse(exchange, reply));
        }
    }
    let raw = match authority::of(&parts) {
        Ok(raw) => raw,
        Err(reply) => return Course::Answered(reply::close(exchange, reply)),
    };
    exchange.note(|record| record.authority = Some(raw.clone()));
    let Some(authority) = Authority::parse(raw.as_bytes()) else {
        return Course::Answered(reply::close(exchange, authority::INVALID));
    };
    if !request_target::is_valid(&parts.method, &parts.uri) {
        let Some(target) = request_target::normalized(parts.version, &parts.uri) else {
            return Course::Answered(reply::close(exchange, request_target::INVALID));
        };
        exchange.note(|record| record.target = target.clone());
        parts.uri = target;
    }
    if !present.is_plainly_framed(&parts.headers) {
        return Course::Answered(reply::close(exchange, headers::UNKNOWN_CODING));
    }
    if parts.version == Version::HTTP_2 {
        // What is decided on is what is sent on: of a cookie line that came in crumbs, the whole.
        headers::join_cookies(&mut parts.headers);
    }
    let socket = exchange.client.socket.load();
    if let Some(name) = &exchange.client.server_name
        && **name != *authority.host
        && socket.table.divides(name, &authority.host)
    {
        return Course::Answered(reply::refuse(exchange, MISDIRECTED));
    }
    let found = socket.table.find(&authority.host, &parts.method, parts.uri.path(), parts.uri.query(), &parts.headers);
    let Some(matched) = found else {
        let lookup = Lookup { table: &socket.table, host: &authority.host, parts: &parts };
        return Course::Answered(unmatched(exchange, &raw, &lookup, additions));
    };
    exchange.note(|record| record.route = Some(Arc::clone(&matched.rule.route)));
    exchange.is_for(matched.path);
    if exchange.trace.is_some() {
        let matched = matched.path.to_string().into_boxed_str();
        exchange.note(|record| record.matched = Some(matched));
    }
    if let Some(template) = matched.template
        && let Some(refused) = unmatched::refused_variable(template, parts.uri.path())
    {
        return Course::Answered(reply::respond(exchange, &refused, None, [&*matched.rule.filters]));
    }
    if let Some(guards) = &matched.rule.guards {
        let validator = matched.rule.token.as_deref();
        let wanted = Wanted { validator, waited };
        let inquiry = Inquiry {
            exchange: &exchange,
            parts: &parts,
            authority: &raw,
            client_address: matched.rule.client_address.as_deref(),
            template: matched.template,
        };
        match guards::check(guards, wanted, inquiry, additions) {
            Verdict::Pass(passed) => {
                if let Some(answer) = passed.enter(validator, &exchange, &mut parts) {
                    return Course::Answered(answer.give(exchange));
                }
            }
            Verdict::Answer(answer) => return Course::Answered(answer.give(exchange)),
            Verdict::Wait(waiter) => {
                let request = Request::from_parts(parts, body);
                return Course::Wait(Box::new(Undecided { waiter, exchange, request }));
            }
        }
    }
    let asked = Asked { raw: &raw, authority: &authority, present: &present, matched: &matched };
    match &matched.rule.action {
        Action::Respond(respond) => Course::Answered(reply::respond(exchange, respond, None, [&*matched.rule.filters])),
        Action::Redirect(redirect) => {
            Course::Answered(reply::redirect(exchange, redirect, &matched, &authority, &parts))
        }
        Action::Forward(forward) => decide_target(exchange, parts, body, &asked, forward).into(),
        Action::Sequence(sequence) => sequence::decide(exchange, parts, body, &asked, sequence).into(),
        Action::Compose(composition) => match compose::decide(exchange, parts, body, &asked, composition) {
            Composed::Answered(response) => Course::Answered(response),
            Composed::Calls(composing) => Course::Compose(composing),
            Composed::Direct(direct) => Course::Direct(direct),
        },
        Action::Echo(echo) => Course::Echo(echo::decide(exchange, parts, body, &asked, *echo)),
    }
}

/// Answers a request that no rule matches.
#[cold]
fn unmatched(
    mut exchange: Exchange,
    authority: &HeaderValue,
    lookup: &Lookup<'_>,
    additions: &mut Additions,
) -> Response<ResponseBody> {
    let parts = lookup.parts;
    let Some(unmatched) = lookup.table.unmatched(lookup.host) else { return reply::refuse(exchange, NO_ROUTE) };
    let client_address = unmatched.client_address.as_deref();
    exchange.note(|record| record.route = Some(Arc::clone(&unmatched.route)));
    let inquiry = Inquiry { exchange: &exchange, parts, authority, client_address, template: None };
    if let Some(guards) = &unmatched.guards
        && let Some(answer) = guards::check_sharing(guards, inquiry, additions)
    {
        return answer.give(exchange);
    }
    // Where a client is sent to another spelling of its path, it passes the guards there.
    if let Some(location) = unmatched.manners.as_ref().and_then(|manners| lookup.elsewhere(manners)) {
        return unmatched::redirect(exchange, &parts.method, &location);
    }
    if let Some(guards) = &unmatched.guards
        && let Verdict::Answer(answer) = guards::check_rest(guards, Wanted::default(), inquiry, additions)
    {
        return answer.give(exchange);
    }
    match &unmatched.manners {
        Some(manners) => unmatched::answer(exchange, lookup, manners),
        None => reply::refuse(exchange, NO_ROUTE),
    }
}

/// Chooses one of the rule's targets, and makes the request that it gets.
fn decide_target(
    mut exchange: Exchange,
    mut parts: Parts,
    incoming: ClientBody,
    asked: &Asked<'_>,
    forward: &Forward,
) -> Decision {
    let Asked { raw, present, matched, .. } = *asked;
    let thread = Rc::clone(&exchange.client.thread);
    let index = forward.targets.choose(|total| thread.random_below(total));
    let Some((index, weighted)) = index else { return Decision::Answered(reply::refuse(exchange, NO_BACKEND)) };
    let filters = [&*matched.rule.filters, &*weighted.filters];
    let (backend, port) = match &weighted.target {
        Target::Backend { backend, port } => (backend, *port),
        Target::Respond(respond) => return Decision::Answered(reply::respond(exchange, respond, None, filters)),
    };
    exchange.note(|record| record.backend = Some(Arc::clone(&backend.name)));
    let client_upgrade = ClientUpgrade::take(&mut parts);
    let mut body = RequestBody::client(incoming, &exchange.client.activity, exchange.stream.as_ref());
    let edits = HeadEdits { authority: raw, prefix: matched.prefix, filters };
    let Some(hop) = head::prepare(&mut exchange, &mut parts, present, &edits, &body) else {
        return Decision::Answered(reply::refuse(exchange, UNSENDABLE));
    };
    if let Err(reply) = loops::pass(backend, &mut parts.headers) {
        return Decision::Answered(reply::refuse(exchange, reply));
    }
    for mirror in filters.iter().flat_map(|filters| &filters.mirrors) {
        mirror::copy(&exchange, mirror, &parts, &hop, &mut body);
    }
    let upgrades = hop.upgrade.is_some();
    if upgrades && backend.protocol == Protocol::Http2 && exchange.client.is_multiplexed() {
        return Decision::Answered(reply::refuse(exchange, connect::NOT_PASSED_ON));
    }
    let timeouts = RouteTimeouts { request: forward.request_timeout, attempt: forward.backend_request_timeout };
    let aim = Aim { backend, port, timeouts };
    head::rewrite_host(&mut parts, backend);
    let authority = RequestState::authority(backend, &parts);
    let (hash, cookies) = aim.hashed(&exchange, &parts);
    let Some(()) = head::address(&mut parts, &hop, backend) else {
        return Decision::Answered(reply::refuse(exchange, UNSENDABLE));
    };
    if let Err(reply) = aim.fits(&exchange, &parts) {
        return Decision::Answered(reply::refuse(exchange, reply));
    }
    let edits = filters.iter().any(|filters| !filters.response_headers.is_empty());
    Decision::Forward(Box::new(Outbound {
        // Written out, so that it is made where it stays.
        aimed: Aimed {
            state: RequestState::new(backend, (port, authority), upgrades, &parts, &body, hash, exchange.trace.clone()),
            request: Request::from_parts(parts, body),
            active: aim.active(&exchange),
            deadline: aim.deadline(&exchange),
            attempts: aim.attempts(),
            cookies,
        },
        client_upgrade: client_upgrade.filter(|_| upgrades),
        edits: edits.then(|| Edits { rule: Arc::clone(matched.rule), target: index }),
        selected: None,
        exchange,
    }))
}
