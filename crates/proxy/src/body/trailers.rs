//! Headers after a body.
//!
//! Whoever passes a message on may join its trailers to its head, and many applications do. So none may be there that would
//! frame, route, authenticate or describe the message if it were in the head (RFC 9110, 6.5.1), or that this proxy sets or removes
//! there: what a client may not say in the head it may not say after the body. There is one filter for requests and answers,
//! whatever the protocol on either side. What it takes out is gone without a word, as trailers may be at any time.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;

/// Takes what is forbidden out of `frame`, if that is trailers. Returns whether anything is left of it.
#[inline]
pub(crate) fn filter(frame: &mut Frame<Bytes>) -> bool {
    let Some(trailers) = frame.trailers_mut() else { return true };
    retain(trailers);
    !trailers.is_empty()
}

fn retain(trailers: &mut HeaderMap) {
    let forbidden = |(name, value): (&HeaderName, &HeaderValue)| {
        (is_forbidden(name.as_str()) || !may_be_sent(name, value)).then(|| name.clone())
    };
    let names: Vec<HeaderName> = trailers.iter().filter_map(forbidden).collect();
    for name in names {
        trailers.remove(name);
    }
}

/// Whether a header may be sent over HTTP/2.
pub(crate) fn may_be_sent(name: &HeaderName, value: &HeaderValue) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let value = value.as_bytes();
    !is_blank(value.first()) && !is_blank(value.last()) && !name.as_str().contains('"')
}

/// The fields that RFC 7230 lists in 4.1.2, for the reasons that RFC 9110 gives in 6.5.1, and those of proxies.
fn is_forbidden(name: &str) -> bool {
    matches!(
        name,
        // Of the connection.
        "connection" | "http2-settings" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade"
        // What the body is, and where it ends.
        | "content-encoding" | "content-length" | "content-range" | "content-type"
        // Where the message goes, and which way it came.
        | "cdn-loop" | "forwarded" | "host" | "max-forwards"
        // Who sends it.
        | "authentication-info" | "authorization" | "cookie" | "proxy-authenticate" | "proxy-authentication-info"
        | "proxy-authorization" | "set-cookie" | "www-authenticate"
        // What is to be done with it.
        | "age" | "cache-control" | "date" | "expect" | "expires" | "location" | "pragma" | "range" | "retry-after" | "vary"
        | "warning"
    ) || ["if-", "x-envoy-", "x-forwarded-"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests;
