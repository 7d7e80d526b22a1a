//! Addresses and host names, as far as Fastly's API is strict about them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a backend can be connected to by this: an IPv4 or IPv6 address, or a host name.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_name(text)
}

/// Whether this is a host name: labels of letters, digits, hyphens and underscores. What looks like an IPv4 address and is
/// none is no name either.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    !name.is_empty() && name.len() <= 253 && !is_numeric && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
}

/// Whether a service can have this domain: a host name, or `*.` and one.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    is_name(text.strip_prefix("*.").unwrap_or(text)) && !text.ends_with('.')
}

/// Whether a certificate can be asked for, or verified, by this: as a domain, or an address.
#[must_use]
pub fn is_certificate_name(text: &str) -> bool {
    is_domain(text) || text.parse::<IpAddr>().is_ok()
}

/// Whether this can be sent as `Host`: a host name or an address, a port if need be.
#[must_use]
pub fn is_host_header(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.starts_with('[') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = port.is_none_or(|port| !port.is_empty() && port.parse::<u16>().is_ok());
    let is_bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    is_port && (is_bracketed || is_name(host) || host.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok())
}
