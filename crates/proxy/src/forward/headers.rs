//! Headers that belong to a connection, and those that tell an upstream about the client.

use bytes::{BufMut, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::loops::CDN_LOOP;
use crate::body::trailers::may_be_sent;
use crate::exchange::ClientConnection;
use crate::local_reply::{Flag, LocalReply};
pub(super) use crate::trust::{FORWARDED_FOR, FORWARDED_PROTO};
use crate::upgrades::Upgrades;

/// Host that the client asked for, when another is sent.
pub(super) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Names the request in everyone's logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Other requests whose body could be read in two ways hyper has refused before.
pub(super) const UNKNOWN_CODING: LocalReply = LocalReply::fixed(
    StatusCode::NOT_IMPLEMENTED,
    "transfer coding not supported",
    Flag::DownstreamProtocolError,
    "unsupported_transfer_encoding",
);

/// What HTTP/1.1 connections are told by hyper.
pub(super) const TOO_LARGE: LocalReply = LocalReply::fixed(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "",
    Flag::DownstreamProtocolError,
    "request_headers_too_large",
);

/// What HTTP/2 has no place for, and the library that reads it lets through.
pub(super) const MALFORMED: LocalReply =
    LocalReply::fixed(StatusCode::BAD_REQUEST, "invalid header", Flag::DownstreamProtocolError, "invalid_header");

/// Whether all of `headers`, which came over HTTP/2, may be sent over it: an endpoint may end the connection for a value with a
/// blank at either end (RFC 9113, 8.2.1), or for a name that is no token.
pub(super) fn is_well_formed(headers: &HeaderMap) -> bool {
    headers.iter().all(|(name, value)| may_be_sent(name, value))
}

/// What a header takes beside its name and value (RFC 9113, 6.5.2).
const OVERHEAD: usize = 32;

/// Whether the head of an HTTP/2 request is within the limits of its client, which nobody before has seen to.
pub(super) fn is_within(client: &ClientConnection, parts: &Parts) -> bool {
    parts.headers.len() <= client.thread.shared.limits.max_headers && size(parts) <= client.max_head_size()
}

/// Bytes of a head in HTTP/2.
pub(super) fn size(parts: &Parts) -> usize {
    let of_header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + OVERHEAD;
    let target = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    target + parts.headers.iter().map(of_header).sum::<usize>()
}

/// Which of the headers that matter a head has. To look at all headers once costs less than to ask for each.
#[derive(Debug, Default)]
pub(super) struct HeaderPresence {
    pub(super) host: bool,
    pub(super) expect: bool,
    pub(super) forwarded_for: bool,
    pub(super) request_id: bool,
    pub(super) content_type: bool,
    /// Headers that proxies on the way tell each other things by, and no client may.
    pub(super) private: bool,
    connection: bool,
    te: bool,
    upgrade: bool,
    coding: bool,
    length: bool,
    /// `Keep-Alive` or `Proxy-Connection`.
    old: bool,
}

impl HeaderPresence {
    /// Whether the only transfer coding of `headers`, if any, is `chunked`: hyper takes "gzip, chunked" for chunked too, and
    /// the inner coding would be lost on the way.
    pub(super) fn is_plainly_framed(&self, headers: &HeaderMap) -> bool {
        if !self.coding {
            return true;
        }
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
        match (codings.next(), codings.next()) {
            (Some(only), None) => only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
            _ => false,
        }
    }

    /// Whether `headers` say in two ways where a body ends. hyper goes by the coding and leaves the length, by which whoever
    /// gets it next would find another end (RFC 9112, 6.3).
    pub(super) fn is_framed_twice(&self) -> bool {
        self.coding && self.length
    }

    /// Whether a length is said.
    pub(super) fn says_length(&self) -> bool {
        self.length
    }

    pub(super) fn among(headers: &HeaderMap) -> Self {
        let mut present = Self::default();
        for name in headers.keys() {
            match *name {
                header::HOST => present.host = true,
                header::EXPECT => present.expect = true,
                header::CONNECTION => present.connection = true,
                header::TE => present.te = true,
                header::UPGRADE => present.upgrade = true,
                header::TRANSFER_ENCODING => present.coding = true,
                header::CONTENT_LENGTH => present.length = true,
                header::CONTENT_TYPE => present.content_type = true,
                _ => match name.as_str() {
                    "x-forwarded-for" => present.forwarded_for = true,
                    "x-request-id" => present.request_id = true,
                    "keep-alive" | "proxy-connection" => present.old = true,
                    name => present.private |= is_private(name),
                },
            }
        }
        present
    }
}

/// What was among the headers of a connection and matters beyond it.
#[derive(Debug, Clone, Default)]
pub(super) struct HopByHop {
    /// The protocol the client wants to change to.
    pub(super) upgrade: Option<HeaderValue>,
    /// The client understands trailers.
    pub(super) trailers: bool,
    /// The body's length is not known: HTTP/1.1 must say so.
    pub(super) chunked: bool,
}

/// Whether a header means something to Envoy, or to applications that trust it: upstreams may be either.
fn is_private(name: &str) -> bool {
    name.starts_with("x-envoy-") || name == "x-forwarded-client-cert"
}

/// Removes what a client may not tell upstreams.
pub(super) fn strip_private(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_private(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Removes what belongs to the connection that a head came on (RFC 9110, 7.6.1).
pub(super) fn strip(headers: &mut HeaderMap, present: &HeaderPresence) -> HopByHop {
    let mut hop = HopByHop::default();
    let mut wants_upgrade = false;
    if present.old {
        headers.remove(KEEP_ALIVE);
        headers.remove(PROXY_CONNECTION);
    }
    if present.connection {
        wants_upgrade = strip_named(headers);
        headers.remove(header::CONNECTION);
    }
    if present.te {
        hop.trailers = tokens(headers, header::TE).any(|token| token.eq_ignore_ascii_case(b"trailers"));
        headers.remove(header::TE);
    }
    if present.upgrade
        && let Some(upgrade) = headers.remove(header::UPGRADE)
    {
        if wants_upgrade {
            hop.upgrade = Some(upgrade);
        }
        headers.remove(HTTP2_SETTINGS);
    }
    if present.coding {
        headers.remove(header::TRANSFER_ENCODING);
    }
    if present.length {
        say_length_once(headers);
    }
    hop
}

/// What of `offered` a connection may change to.
pub(super) fn permitted(offered: HeaderValue, upgrades: &Upgrades) -> Option<HeaderValue> {
    if elements(&offered).all(|protocol| upgrades.permit(protocol)) {
        return Some(offered).filter(|offered| !offered.is_empty());
    }
    let permitted: Vec<&[u8]> = elements(&offered).filter(|protocol| upgrades.permit(protocol)).collect();
    if permitted.is_empty() { None } else { HeaderValue::from_bytes(&permitted.join(&b", "[..])).ok() }
}

/// A length may be said several times, in lines or as a list, if it is the same each time, which hyper has checked. The next
/// reader may see that another way (RFC 9110, 8.6).
fn say_length_once(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = lines.next() else { return };
    if lines.next().is_none() && !first.as_bytes().contains(&b',') {
        return;
    }
    let length = elements(first).next().and_then(|length| HeaderValue::from_bytes(length).ok());
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length);
    }
}

/// Removes what `Connection` names. Returns whether it names `Upgrade`.
fn strip_named(headers: &mut HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONNECTION).iter();
    if let (Some(only), None) = (lines.next(), lines.next())
        && (only.as_bytes().eq_ignore_ascii_case(b"keep-alive") || only.as_bytes().eq_ignore_ascii_case(b"close"))
    {
        return false;
    }
    let mut wants_upgrade = false;
    let mut named: Vec<HeaderName> = Vec::new();
    for token in tokens(headers, header::CONNECTION) {
        if token.eq_ignore_ascii_case(b"upgrade") {
            wants_upgrade = true;
        } else if !token.eq_ignore_ascii_case(b"close")
            && !token.eq_ignore_ascii_case(b"keep-alive")
            && let Ok(name) = HeaderName::from_bytes(token)
            && !is_end_to_end(&name)
        {
            named.push(name);
        }
    }
    for name in named {
        headers.remove(name);
    }
    wants_upgrade
}

/// Whether a header stays though `Connection` names it: what a message is, and what proxies on the way here have said of its
/// client, must not depend on the client. `TE` and `Upgrade` are read first.
fn is_end_to_end(name: &HeaderName) -> bool {
    matches!(*name, header::HOST | header::CONTENT_LENGTH | header::TE)
        || [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, REQUEST_ID, CDN_LOOP].contains(name)
}

/// The elements of a comma-separated header.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).iter().flat_map(elements)
}

/// The elements of a comma-separated line.
fn elements(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Adds `client` to the end of an `X-Forwarded-For` that is there, as one line.
pub(super) fn extend_forwarded_for(headers: &mut HeaderMap, client: &HeaderValue) {
    let mut line = BytesMut::new();
    for value in headers.get_all(FORWARDED_FOR).iter().filter(|value| !value.is_empty()) {
        line.put_slice(value.as_bytes());
        line.put_slice(b", ");
    }
    line.put_slice(client.as_bytes());
    if let Ok(line) = HeaderValue::from_maybe_shared(line.freeze()) {
        headers.insert(FORWARDED_FOR, line);
    }
}

/// A random UUID (RFC 9562, version 4) as a header value.
pub(super) fn request_id(high: u64, low: u64) -> HeaderValue {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let [first, second, third, last] =
        [(high >> 32) as u32, high as u32, (low >> 32) as u32, low as u32].map(hexadecimal);
    let mut text = [b'-'; 36];
    text[..8].copy_from_slice(&first);
    text[9..13].copy_from_slice(&second[..4]);
    text[14..18].copy_from_slice(&second[4..]);
    text[19..23].copy_from_slice(&third[..4]);
    text[24..28].copy_from_slice(&third[4..]);
    text[28..].copy_from_slice(&last);
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The hexadecimal digits of a number, all at once.
fn hexadecimal(number: u32) -> [u8; 8] {
    // Each digit in a byte of its own.
    let halves = u64::from(number >> 16) << 32 | u64::from(number & 0xffff);
    let bytes = (halves & 0x0000_ff00_0000_ff00) << 8 | halves & 0x0000_00ff_0000_00ff;
    let digits = (bytes & 0x00f0_00f0_00f0_00f0) << 4 | bytes & 0x000f_000f_000f_000f;
    // Beyond nine, six more is a bit more.
    let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (digits + 0x3030_3030_3030_3030 + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// Joins the lines of `Cookie` that HTTP/2 may have split (RFC 9113, 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).iter();
    if lines.next().is_none() || lines.next().is_none() {
        return;
    }
    // An empty one would leave a blank at an end, which no value may have.
    let lines = headers.get_all(header::COOKIE).iter().filter(|line| !line.is_empty());
    let joined: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&joined.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests;
