//! The head of a request on its way upstream.

use bytes::Bytes;
use http::request::Parts;
use http::uri::{self, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri, Version, header};

use super::headers::{self, HeaderPresence, HopByHop};
use crate::body::RequestBody;
use crate::config::Filters;
use crate::exchange::Exchange;
use crate::filter;
use backstay_model::{HostRewrite, Protocol};
use backstay_upstream::{Backend, SelectedEndpoint};
use rustls_pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};

/// The expectation that proxies meet themselves.
const CONTINUE: &[u8] = b"100-continue";

/// What the configuration makes of a head.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeadEdits<'a> {
    /// The authority of the request, which is its host unless a filter says another.
    pub(super) authority: &'a HeaderValue,
    /// Length of the path's part that the rule matched as a prefix, if it did.
    pub(super) prefix: Option<usize>,
    /// Filters of the rule, and of the target.
    pub(super) filters: [&'a Filters; 2],
}

/// Makes the client's head the one to send: without what belongs to the client's connection, with what tells about the
/// client, edited and rewritten. `Host` is among the headers whatever the protocol; see [`address`]. `None` when the rewritten path is
/// no valid target.
pub(super) fn prepare(
    exchange: &mut Exchange,
    parts: &mut Parts,
    present: &HeaderPresence,
    edits: &HeadEdits<'_>,
    body: &RequestBody,
) -> Option<HopByHop> {
    let HeadEdits { authority, prefix, filters } = *edits;
    let headers = &mut parts.headers;
    let mut hop = headers::strip(headers, present);
    let secure = exchange.is_secure();
    let client = &exchange.client;
    if let Some(offered) = hop.upgrade.take() {
        hop.upgrade = headers::permitted(offered, &client.thread.shared.upgrades);
    }
    if present.expect
        && headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(CONTINUE))
    {
        // The client is told to continue as soon as its body is read, which is before the upstream could ask for it.
        headers.remove(header::EXPECT);
    }
    if present.private {
        headers::strip_private(headers);
    }
    if present.forwarded_for {
        headers::extend_forwarded_for(headers, &client.peer_value);
    } else {
        headers.insert(headers::FORWARDED_FOR, client.peer_value.clone());
    }
    headers.insert(headers::FORWARDED_PROTO, HeaderValue::from_static(if secure { "https" } else { "http" }));
    if !present.request_id || headers.get(headers::REQUEST_ID).is_none_or(HeaderValue::is_empty) {
        headers.insert(headers::REQUEST_ID, headers::request_id(client.thread.random(), client.thread.random()));
    }
    exchange.note(|record| {
        record.request_id = headers.get(headers::REQUEST_ID).cloned();
        record.going_on(headers);
    });
    if !present.host || parts.uri.authority().is_some() {
        headers.insert(header::HOST, authority.clone());
    }
    let edits = filters.map(|filters| &filters.request_headers);
    if edits.iter().any(|edits| !edits.is_empty()) {
        edits.iter().for_each(|edits| filter::edit(headers, edits));
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, authority.clone());
        }
    }
    let [rule, target] = filters;
    if let Some(host) = target.rewrite_host.as_ref().or(rule.rewrite_host.as_ref()) {
        headers.insert(header::HOST, host.clone());
        headers.insert(headers::FORWARDED_HOST, authority.clone());
    }
    hop.chunked = !body.is_empty() && !headers.contains_key(header::CONTENT_LENGTH);
    if let Some(edit) = target.rewrite_path.as_ref().or(rule.rewrite_path.as_ref())
        && let Some(path) = filter::rewrite(edit, parts.uri.path(), prefix)
    {
        parts.uri = Uri::from(filter::with_query(path, parts.uri.query())?);
    }
    Some(hop)
}

/// Sends the host that `backend` says, in place of the request's.
pub(super) fn rewrite_host(parts: &mut Parts, backend: &Backend) {
    if let HostRewrite::Literal(host) = &backend.policy.host {
        replace_host(&mut parts.headers, host.clone());
    }
}

/// Sends `host` to an endpoint that the request was meant for already.
pub(super) fn readdress(request: &mut Request<RequestBody>, host: &str) {
    let Ok(value) = HeaderValue::from_str(host) else { return };
    if request.version() != Version::HTTP_2 {
        replace_host(request.headers_mut(), value);
        return;
    }
    let mut target = request.uri().clone().into_parts();
    let Ok(authority) = uri::Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())) else { return };
    if let Some(before) = target.authority.replace(authority)
        && let Ok(before) = HeaderValue::from_str(before.as_str())
        && !request.headers().contains_key(headers::FORWARDED_HOST)
    {
        request.headers_mut().insert(headers::FORWARDED_HOST, before);
    }
    if let Ok(uri) = Uri::from_parts(target) {
        *request.uri_mut() = uri;
    }
}

/// Names the endpoint as the host that is asked: as its list has it, else its address, with the port where that is not the scheme's.
#[cold]
pub(super) fn ask_endpoint(
    request: &mut Request<RequestBody>,
    selected: Option<&SelectedEndpoint>,
    address: SocketAddr,
    backend: &Backend,
) {
    let name = selected.and_then(|selected| match &selected.endpoints.get(selected.index)?.server_name {
        ServerName::DnsName(name) => Some(name.as_ref().to_owned()),
        _ => None,
    });
    let name = name.unwrap_or_else(|| match address.ip().to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    });
    let well_known = if backend.tls.is_some() { 443 } else { 80 };
    let host = if address.port() == well_known { name } else { format!("{name}:{}", address.port()) };
    let Ok(value) = HeaderValue::from_str(&host) else { return };
    if request.version() != Version::HTTP_2 {
        request.headers_mut().insert(header::HOST, value);
        return;
    }
    let mut target = request.uri().clone().into_parts();
    target.authority = uri::Authority::from_maybe_shared(Bytes::from(host)).ok();
    if let Ok(uri) = Uri::from_parts(target) {
        *request.uri_mut() = uri;
    }
}

fn replace_host(headers: &mut HeaderMap, host: HeaderValue) {
    if let Some(before) = headers.insert(header::HOST, host)
        && !headers.contains_key(headers::FORWARDED_HOST)
    {
        headers.insert(headers::FORWARDED_HOST, before);
    }
}

/// Makes the head the one of a request as `backend` speaks it. `None` when the authority cannot be sent in HTTP/2.
// In place: a head is large, and would be moved there and back.
pub(super) fn address(parts: &mut Parts, hop: &HopByHop, backend: &Backend) -> Option<()> {
    let headers = &mut parts.headers;
    match backend.protocol {
        Protocol::Http1 => {
            if hop.chunked {
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            if let Some(upgrade) = &hop.upgrade {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, upgrade.clone());
            } else if hop.trailers {
                headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
                headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            parts.version = Version::HTTP_11;
            if parts.uri.authority().is_some() {
                parts.uri = Uri::from(path_of(&mut parts.uri));
            }
        }
        Protocol::Http2 => {
            let host = headers.remove(header::HOST)?;
            if hop.trailers {
                headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            let mut target = uri::Parts::default();
            target.scheme = Some(if backend.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
            target.authority = Some(uri::Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())).ok()?);
            target.path_and_query = Some(path_of(&mut parts.uri));
            parts.version = Version::HTTP_2;
            parts.uri = Uri::from_parts(target).ok()?;
        }
    }
    Some(())
}

fn path_of(uri: &mut Uri) -> PathAndQuery {
    std::mem::take(uri).into_parts().path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"))
}
