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
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(SEVERAL);
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
        let text = std::str::from_utf8(raw).ok()?;
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        } else {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            let host = host.strip_suffix('.').unwrap_or(host);
            let allowed = |byte: u8| {
                byte.is_ascii_alphanumeric()
                    || matches!(
                        byte,
                        b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
                    )
                    || matches!(byte, b';' | b'=' | b'%')
            };
            if host.is_empty() || host.len() > 253 || !host.bytes().all(allowed) {
                return None;
            }
            (host, port)
        };
        let port = match port {
            None | Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok().filter(|port| *port > 0)?)
            }
            Some(_) => return None,
        };
        let host = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
        Some(Self { host, port })
    }
}

#[cfg(test)]
mod tests;
