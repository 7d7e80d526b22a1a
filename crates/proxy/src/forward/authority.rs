//! Which host a request is for.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version, header};

use crate::config::{Flag, Refusal};

const fn malformed(body: &'static str, details: &'static str) -> Refusal {
    Refusal::fixed(StatusCode::BAD_REQUEST, body, Flag::DownstreamProtocolError, details)
}

/// The text is not a host with an optional port.
pub(super) const INVALID: Refusal = malformed("invalid host", "invalid_host_header");
const MISSING: Refusal = malformed("", "missing_host_header");
const EMPTY: Refusal = malformed("Empty host header", "empty_host_header");
const SEVERAL: Refusal = malformed("several host headers", "multiple_host_headers");
const DIFFERING: Refusal = malformed("the host header differs from the authority", "differing_host_header");
/// A target that is a host and nothing else, which only CONNECT has (RFC 9112, 3.2.3).
const NO_PATH: Refusal = malformed("invalid request target", "invalid_request_target");
const CONNECT: Refusal = Refusal::fixed(
    StatusCode::METHOD_NOT_ALLOWED,
    "CONNECT is not supported",
    Flag::DownstreamProtocolError,
    "connect_not_supported",
);

/// The authority of a request, as the client wrote it: the target's where it has one, else the Host header's.
pub(super) fn of(parts: &Parts) -> Result<HeaderValue, Refusal> {
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

/// A host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// Lower case, without brackets or trailing dot.
    pub(super) host: Cow<'a, str>,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. User information, blanks and whatever else has no place in a host
    /// make it `None`.
    pub(super) fn parse(raw: &'a [u8]) -> Option<Self> {
        if let Some(rest) = raw.strip_prefix(b"[") {
            let (host, rest) = rest.split_at(rest.iter().position(|byte| *byte == b']')?);
            let host = std::str::from_utf8(host).ok()?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            return Some(Self { host: lower(host), port: port(&rest[1..])? });
        }
        let end = raw.iter().position(|byte| !HOST[usize::from(*byte)]).unwrap_or(raw.len());
        let (host, rest) = raw.split_at(end);
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.is_empty() || host.len() > 253 {
            return None;
        }
        Some(Self { host: lower(std::str::from_utf8(host).ok()?), port: port(rest)? })
    }
}

/// What may be in a host: letters, digits, and the marks of RFC 3986 except the comma, which would look like a list.
static HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-._~!$&'()*+;=%";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// Reads what follows a host: nothing, or a colon and perhaps digits.
fn port(rest: &[u8]) -> Option<Option<u16>> {
    let digits = match rest {
        [] | [b':'] => return Some(None),
        [b':', digits @ ..] => digits,
        _ => return None,
    };
    let port = digits.iter().try_fold(0_u32, |port, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        Some(port * 10 + digit).filter(|port| *port <= 65_535)
    })?;
    u16::try_from(port).ok().filter(|port| *port > 0).map(Some)
}

#[cfg(test)]
mod tests;
