//! Hosts that are served, TLS for all of it, and headers that browsers heed.

use std::sync::Arc;

use backstay_model::route::guards::SslRedirect;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::Inquiry;
use super::additions::Additions;
use super::answer::Answer;
use crate::config::Guards;
use crate::counts::Guard;
use crate::forward::redirection;
use crate::local_reply::{Flag, LocalReply};

const BAD_HOST: LocalReply =
    LocalReply::fixed(StatusCode::INTERNAL_SERVER_ERROR, "Bad Host\n", Flag::None, "host_not_allowed");
/// As Go's `http.Error` has it.
const OF_ERRORS: [(HeaderName, HeaderValue); 2] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Refuses hosts that are not served, sends requests without TLS to where they have it, and has answers say what they must.
pub(super) fn check(guards: &Arc<Guards>, inquiry: Inquiry<'_>, additions: &mut Additions) -> Option<Answer> {
    let security = guards.checked.security.as_ref()?;
    let Inquiry { exchange, parts, authority, .. } = inquiry;
    let host = security.host(authority, &parts.headers);
    if !security.serves(host.as_bytes()) {
        return Some(Answer::new(Guard::Security, BAD_HOST).with(HeaderMap::from_iter(OF_ERRORS)));
    }
    let tls = exchange.is_secure() || security.says_tls(&parts.headers);
    if !tls && let Some(redirect) = &security.ssl_redirect {
        return Some(send(redirect, host, parts));
    }
    additions.secure(guards, tls);
    None
}

/// Sends a client to where there is TLS.
fn send(redirect: &SslRedirect, host: &HeaderValue, parts: &Parts) -> Answer {
    let status = if redirect.temporary { StatusCode::TEMPORARY_REDIRECT } else { StatusCode::MOVED_PERMANENTLY };
    let mut location = b"https://".to_vec();
    location.extend(redirect.host.as_deref().map_or(host.as_bytes(), str::as_bytes));
    let path = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    location.extend(if path.starts_with('/') { path } else { "/" }.as_bytes());
    let mut headers = HeaderMap::new();
    let mut body = String::new();
    if matches!(parts.method, Method::GET | Method::HEAD) {
        headers.insert(header::CONTENT_TYPE, redirection::HTML);
    }
    if parts.method == Method::GET {
        body = redirection::page(status, &String::from_utf8_lossy(&location));
    }
    // Of what a header had, there is nothing that a header cannot have.
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    let reply = LocalReply { body: body.into(), ..LocalReply::fixed(status, "", Flag::None, "redirect_to_tls") };
    Answer::new(Guard::Security, reply).with(headers)
}
