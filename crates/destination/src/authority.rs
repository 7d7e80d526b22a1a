//! The host that a request names.

use std::borrow::Cow;

use crate::MAX_NAME;

/// A host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Lower case, without brackets or trailing dot.
    pub host: Cow<'a, str>,
    /// From 1; `None` where none is written.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. User information, blanks and whatever else has no place in a host
    /// make it `None`.
    #[inline]
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        if let Some(rest) = raw.strip_prefix(b"[") {
            let (host, rest) = rest.split_at(rest.iter().position(|byte| *byte == b']')?);
            let host = std::str::from_utf8(host).ok()?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            return Some(Self { host: lower(host), port: port(&rest[1..])? });
        }
        let end = raw.iter().position(|byte| !HOST[usize::from(*byte)]).unwrap_or(raw.len());
        let (host, rest) = raw.split_at(end);
        let host = host.strip_suffix(b".").unwrap_or(host);
        // One dot ends an absolute name. Another before it would be an empty label, which is no name's, and must not be taken for none.
        if host.is_empty() || host.len() > MAX_NAME || host.ends_with(b".") {
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
