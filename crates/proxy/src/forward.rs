//! The life of a request: which rule, which backend, which endpoint, and back.
//!
//! [`answer`] is called once per request and never fails: what goes wrong becomes an answer, with the words and flags that
//! operators know from Envoy.

mod attempt;
mod authority;
mod body;
mod endpoint;
mod failure;
mod head;
mod headers;
mod local;
mod mirror;
mod tap;
mod tunnel;

pub(crate) use body::{Body, RequestBody};

use std::convert::Infallible;
use std::rc::Rc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::config::{Action, Flag, Refusal};
use crate::server::Exchange;
use authority::Authority;

const NO_ROUTE: Refusal = Refusal::fixed(http::StatusCode::NOT_FOUND, "", Flag::NoRoute, "route_not_found");

/// Serves one request.
pub(crate) async fn answer(exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let local = Rc::clone(&exchange.local);
    let mut response = serve(exchange, request).await;
    // A connection that was about to send its first request when a drain began has not been told yet.
    if local.is_closing() && !local.is_multiplexed() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn serve(mut exchange: Exchange, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let raw = match authority::of(&parts) {
        Ok(raw) => raw,
        Err(refusal) => return local::close(exchange, refusal),
    };
    exchange.note(|record| record.authority = Some(raw.clone()));
    let authority = match Authority::parse(raw.as_bytes()) {
        Some(authority) => authority,
        None => return local::close(exchange, authority::INVALID),
    };
    if let Err(refusal) = headers::check_framing(&parts) {
        return local::close(exchange, refusal);
    }
    // The configuration that this request began with serves it to its end.
    let socket = exchange.local.socket.load();
    let found = socket.table.find(&authority.host, &parts.method, parts.uri.path(), parts.uri.query(), &parts.headers);
    let Some(matched) = found else { return local::refuse(exchange, NO_ROUTE) };
    exchange.note(|record| record.route = Some(std::sync::Arc::clone(&matched.rule.route)));
    match &matched.rule.action {
        Action::Respond(respond) => local::respond(exchange, respond, [&matched.rule.filters]),
        Action::Redirect(redirect) => local::redirect(exchange, redirect, &matched, &authority, &parts),
        Action::Forward(forward) => attempt::forward(exchange, parts, body, &raw, matched, forward).await,
    }
}

/// Whether a method may be repeated without harm (RFC 9110, 9.2.2).
fn is_repeatable(method: &Method) -> bool {
    method.is_idempotent()
}
