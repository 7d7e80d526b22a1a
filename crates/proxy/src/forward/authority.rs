//! Which host a request is for.

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version, header};

use crate::local_reply::{Flag, LocalReply};

const fn malformed(body: &'static str, details: &'static str) -> LocalReply {
    LocalReply::fixed(StatusCode::BAD_REQUEST, body, Flag::DownstreamProtocolError, details)
}

/// The text is not a host with an optional port.
pub(super) const INVALID: LocalReply = malformed("invalid host", "invalid_host_header");
const MISSING: LocalReply = malformed("", "missing_host_header");
const EMPTY: LocalReply = malformed("Empty host header", "empty_host_header");
const SEVERAL: LocalReply = malformed("several host headers", "multiple_host_headers");
const DIFFERING: LocalReply = malformed("the host header differs from the authority", "differing_host_header");
/// A target that is a host and nothing else, which only CONNECT has (RFC 9112, 3.2.3).
const NO_PATH: LocalReply = malformed("invalid request target", "invalid_request_target");
const CONNECT: LocalReply = LocalReply::fixed(
    StatusCode::METHOD_NOT_ALLOWED,
    "CONNECT is not supported",
    Flag::DownstreamProtocolError,
    "connect_not_supported",
);

/// The authority of a request, as the client wrote it: the target's where it has one, else the Host header's.
pub(super) fn of(parts: &Parts) -> Result<HeaderValue, LocalReply> {
    if parts.method == Method::CONNECT {
        return Err(CONNECT);
    }
    let headers = &parts.headers;
    let host = headers.get(header::HOST);
    // As many lines as names: no name has two.
    if headers.len() > headers.keys_len() && headers.get_all(header::HOST).iter().nth(1).is_some() {
        return Err(SEVERAL);
    }
    if parts.uri.authority().is_some() && parts.uri.scheme().is_none() {
        return Err(NO_PATH);
    }
    let value = match (parts.uri.authority(), host) {
        (Some(authority), host) => {
            let authority = authority.as_str().as_bytes();
            // RFC 9112, 3.2.2: an absolute target beats Host. RFC 9113, 8.3.1: in HTTP/2 they must not differ.
            if parts.version == Version::HTTP_2
                && host.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(authority))
            {
                return Err(DIFFERING);
            }
            HeaderValue::from_bytes(authority).map_err(|_| INVALID)?
        }
        (None, Some(host)) => host.clone(),
        (None, None) => return Err(MISSING),
    };
    if value.is_empty() { Err(EMPTY) } else { Ok(value) }
}
