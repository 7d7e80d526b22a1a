//! Writes the replies of the proxy's own ([`LocalReply`]), and those that an operator wrote.

use backstay_destination::Authority;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;

use super::grpc;
use super::response_body::ResponseBody;
use crate::activity::Cause;
use crate::config::Filters;
use crate::exchange::Exchange;
use crate::filter;
use crate::local_reply::{Flag, LocalReply};
use crate::route::Matched;
use backstay_model::{InsteadOf, Redirect, Respond};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// Refuses a request.
pub(super) fn refuse(mut exchange: Exchange, reply: LocalReply) -> Response<ResponseBody> {
    count(&exchange, reply.status);
    note(&mut exchange, reply.status, reply.flag, reply.details);
    build(exchange, reply.status, body_of(reply.body), TEXT)
}

/// Refuses a request, and whatever follows it on its connection: after a malformed one nobody knows where the next begins.
pub(super) fn close(exchange: Exchange, reply: LocalReply) -> Response<ResponseBody> {
    let http2 = exchange.client.is_multiplexed();
    let mut response = refuse(exchange, reply);
    if !http2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

const OVERLOADED: HeaderName = HeaderName::from_static("x-envoy-overloaded");

/// Refuses a request, in the operator's words if there are any.
pub(super) fn refuse_as(exchange: Exchange, reply: LocalReply, wording: Option<&Respond>) -> Response<ResponseBody> {
    count(&exchange, wording.map_or(reply.status, |wording| wording.status));
    worded(exchange, reply, wording)
}

fn worded(mut exchange: Exchange, reply: LocalReply, wording: Option<&Respond>) -> Response<ResponseBody> {
    let status = wording.map_or(reply.status, |wording| wording.status);
    note(&mut exchange, status, reply.flag, reply.details);
    match wording {
        Some(wording) => written(exchange, wording, wording.body.clone()),
        None => build(exchange, status, body_of(reply.body), TEXT),
    }
}

/// Tells a client why its request failed on the way to a backend, which counts it; in the operator's words if there are any.
pub(super) fn fail(exchange: Exchange, reply: LocalReply, wording: Option<&Respond>) -> Response<ResponseBody> {
    let overloaded = reply.flag == Flag::UpstreamOverflow;
    let mut response = worded(exchange, reply, wording);
    if overloaded {
        response.headers_mut().insert(OVERLOADED, HeaderValue::from_static("true"));
    }
    response
}

/// The answer that an operator wrote, or whose body was `computed` as the operator says.
pub(super) fn respond<'f>(
    mut exchange: Exchange,
    respond: &Respond,
    computed: Option<Bytes>,
    filters: impl IntoIterator<Item = &'f Filters>,
) -> Response<ResponseBody> {
    count(&exchange, respond.status);
    let (flag, details) = match respond.instead_of {
        None => (Flag::None, "direct_response"),
        Some(InsteadOf::UnresolvedBackend) => (Flag::NoCluster, "cluster_not_found"),
        Some(InsteadOf::RefusedRule) => (Flag::NoRoute, "rule_refused"),
        Some(InsteadOf::NoBackend) => (Flag::NoRoute, "no_backend"),
    };
    note(&mut exchange, respond.status, flag, details.into());
    let mut response = written(exchange, respond, computed.unwrap_or_else(|| respond.body.clone()));
    edit(&mut response, filters);
    response
}

/// The answer that an operator wrote to a request that no rule matches.
pub(super) fn not_routed(mut exchange: Exchange, respond: &Respond, details: &'static str) -> Response<ResponseBody> {
    count(&exchange, respond.status);
    note(&mut exchange, respond.status, Flag::NoRoute, details.into());
    written(exchange, respond, respond.body.clone())
}

fn written(exchange: Exchange, respond: &Respond, body: Bytes) -> Response<ResponseBody> {
    let mut response = build(exchange, respond.status, body, respond.content_type.clone());
    for (name, value) in &respond.headers {
        response.headers_mut().append(name, value.clone());
    }
    // A call of gRPC has another status.
    if response.status() == respond.status
        && let Some(reason) = respond.reason.clone().and_then(|reason| ReasonPhrase::try_from(reason).ok())
    {
        response.extensions_mut().insert(reason);
    }
    response
}

/// Sends the client elsewhere.
pub(super) fn redirect(
    mut exchange: Exchange,
    redirect: &Redirect,
    matched: &Matched<'_>,
    authority: &Authority<'_>,
    parts: &Parts,
) -> Response<ResponseBody> {
    let scheme = redirect.scheme.as_deref().unwrap_or_else(|| exchange.scheme());
    let host = redirect.hostname.as_deref().unwrap_or(&authority.host);
    let well_known = if scheme == "https" { 443 } else { 80 };
    let port = match (redirect.port, &redirect.scheme) {
        (Some(port), _) => port.get(),
        (None, Some(_)) => well_known,
        (None, None) => exchange.port(),
    };
    let mut location = format!("{scheme}://");
    if host.contains(':') {
        location.extend(["[", host, "]"]);
    } else {
        location.push_str(host);
    }
    if port != well_known {
        location.push_str(&format!(":{port}"));
    }
    let path = parts.uri.path();
    let new = redirect.path.as_ref().and_then(|edit| filter::rewrite(edit, path, matched.prefix));
    location.push_str(new.as_deref().unwrap_or(path));
    if let Some(query) = parts.uri.query() {
        location.extend(["?", query]);
    }
    count(&exchange, redirect.status);
    note(&mut exchange, redirect.status, Flag::None, "direct_response".into());
    let mut response = build(exchange, redirect.status, Bytes::new(), TEXT);
    match HeaderValue::try_from(location) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
        }
        // Everything in it has been a valid part of a request or of the configuration; this is for completeness.
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    edit(&mut response, [&*matched.rule.filters]);
    response
}

fn body_of(text: std::borrow::Cow<'static, str>) -> Bytes {
    match text {
        std::borrow::Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        std::borrow::Cow::Owned(text) => Bytes::from(text),
    }
}

fn build(mut exchange: Exchange, status: StatusCode, body: Bytes, content_type: HeaderValue) -> Response<ResponseBody> {
    let format = exchange.format;
    if format.grpc && (status.is_client_error() || status.is_server_error()) {
        exchange.note(|record| record.status = StatusCode::OK.as_u16());
        let mut response = Response::new(ResponseBody::full(Bytes::new(), exchange));
        grpc::describe(response.headers_mut(), status, if format.head { &[] } else { &body });
        return response;
    }
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if format.head && !body.is_empty() {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    // In HTTP/2 hyper would send a body to whoever asked for none.
    let body = if format.head { Bytes::new() } else { body };
    let mut response = Response::new(ResponseBody::full(body, exchange));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Edits a response's head as `filters` say.
pub(super) fn edit<'f>(response: &mut Response<ResponseBody>, filters: impl IntoIterator<Item = &'f Filters>) {
    for filters in filters {
        filter::edit(response.headers_mut(), &filters.response_headers);
    }
}

fn note(exchange: &mut Exchange, status: StatusCode, flag: Flag, details: std::borrow::Cow<'static, str>) {
    // Whether or not the client waits for it, this is what there is to say.
    exchange.ends(Cause::Recorded);
    exchange.note(|record| {
        record.status = status.as_u16();
        record.flag = flag;
        record.details = details;
    });
}

fn count(exchange: &Exchange, status: StatusCode) {
    let class = usize::from(status.as_u16() / 100).saturating_sub(1);
    if let Some(counter) = exchange.client.thread.shared.metrics.local_replies.get(class) {
        counter.increment(1);
    }
}
