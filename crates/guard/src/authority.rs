//! Whom a request is addressed to: `HOST[:PORT]`, as the Host header, `:authority`, a request target and an Origin write it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host, so that two spellings of one are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address, which nobody's DNS can turn into another. Without its zone, which says nothing to others.
    Ip(IpAddr),
    /// In lower case, without a final dot.
    Name(String),
}

/// A host and the port, if it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) host: Host,
    pub(crate) port: Option<u16>,
}

/// Where a page comes from (RFC 6454, section 7): of a page that may tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    authority: Authority,
    default_port: u16,
}

impl Host {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            return ipv6(literal.strip_suffix(']')?).map(|address| Self::Ip(address.into()));
        }
        // Four decimal numbers alone. Other spellings of an address, such as 2130706433, 0x7f.1 and 127.1, are names to
        // some resolvers, so they are names here.
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Ip(address.into()));
        }
        is_name(text).then(|| Self::Name(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()))
    }
}

/// An IPv6 address with its zone, if there is one (RFC 6874): browsers send none, older versions of curl do.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let is_zone = |zone: &str| {
        !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
    };
    if zone.is_some_and(|zone| !is_zone(zone)) {
        return None;
    }
    address.parse().ok()
}

/// Labels of letters, digits, hyphens and underscores, with or without the final dot.
pub(crate) fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl Authority {
    /// `None` if it is none; user information is none of it (RFC 9110, section 4.2.4).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The colons of an IPv6 address are within brackets.
        let end_of_literal = text.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match text[end_of_literal..].find(':') {
            Some(colon) => (&text[..end_of_literal + colon], Some(&text[end_of_literal + colon + 1..])),
            None => (text, None),
        };
        let port = match port {
            // Said to be the usual one (RFC 3986, section 3.2.3).
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { host: Host::parse(host)?, port })
    }

    /// Whether the two do not contradict each other: the usual port may be said or not.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.host == other.host && self.port.zip(other.port).is_none_or(|(one, two)| one == two)
    }
}

impl Origin {
    /// `None` for `null` and for what is no origin of HTTP, such as that of a browser's extension.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (authority, default_port) = match text.split_once("://")? {
            ("http", authority) => (authority, 80),
            ("https", authority) => (authority, 443),
            _ => return None,
        };
        Some(Self { authority: Authority::parse(authority)?, default_port })
    }

    /// Whether a page of this origin addresses its own server. Who terminates TLS before us leaves the port of the
    /// page's scheme away, so what is not said is that one.
    pub(crate) fn is_of(&self, addressed: &Authority) -> bool {
        self.authority.host == addressed.host
            && self.authority.port.unwrap_or(self.default_port) == addressed.port.unwrap_or(self.default_port)
    }
}
