//! Host names as Gateway API writes them, exact or `*.example.com` for every name below example.com, and as DNS knows them.

use crate::{MAX_LABEL, MAX_NAME};

/// The canonical spelling of a host name: lower case, without the dot that ends an absolute name.
#[must_use]
pub fn canonical(hostname: &str) -> String {
    hostname.strip_suffix('.').unwrap_or(hostname).to_ascii_lowercase()
}

/// Whether `hostname` is a name, or `*.` and a name.
#[must_use]
pub fn is_pattern(hostname: &str) -> bool {
    is_name(hostname.strip_prefix("*.").unwrap_or(hostname))
}

/// Whether `name` is a domain name: labels of letters, digits, `-` and `_`, at most 253 bytes in all. `_` is no host name's
/// by RFC 952, but DNS has such names and users point at them.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_NAME && name.split('.').all(label)
}

/// Whether `name` (without a trailing dot) may be asked of a DNS server: letters, digits, hyphens and underscores in
/// labels of 1 to 63 bytes, and a last label that no program takes for a number.
#[must_use]
pub fn is_dns_name(name: &str) -> bool {
    if name.is_empty() || name.len() > MAX_NAME {
        return false;
    }
    let mut last = "";
    for label in name.split('.') {
        let length_fits = (1..=MAX_LABEL).contains(&label.len());
        if !length_fits || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return false;
        }
        last = label;
    }
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hexadecimal = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    !is_hexadecimal && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// The host names of a route of which a listener serves any host, in the route's own spelling of them: `*.example.com` is one of a
/// listener for `a.example.com`, and as such less specific there than `a.example.com`. `None` when there are none; an empty list
/// stands for all that the listener serves. What is not a host name is one of no host.
///
/// Source: Gateway API, `HTTPRouteSpec.Hostnames`: a route serves what it shares with the listener, and which of two routes does is
/// decided by the names that they have themselves. A lone `*`, which Gateway API does not know and Apoxy's examples use, stands for
/// every host.
#[must_use]
pub fn served(listener: Option<&str>, route: &[String]) -> Option<Vec<String>> {
    if route.is_empty() || route.iter().any(|hostname| hostname == "*") {
        return Some(Vec::new());
    }
    let mut served = Vec::new();
    for hostname in route {
        let hostname = canonical(hostname);
        let has_hosts = listener.is_none_or(|listener| covers(listener, &hostname) || covers(&hostname, listener));
        if is_pattern(&hostname) && has_hosts && !served.contains(&hostname) {
            served.push(hostname);
        }
    }
    (!served.is_empty()).then_some(served)
}

/// Whether every host that `inner` stands for is one that `outer` stands for.
fn covers(outer: &str, inner: &str) -> bool {
    if outer == inner {
        return true;
    }
    let Some(suffix) = outer.strip_prefix('*') else { return false };
    // "*.example.com" does not cover "example.com", nor ".example.com".
    let inner = inner.strip_prefix('*').map_or(inner, |below| below);
    inner.len() > suffix.len() && inner.ends_with(suffix)
}

#[cfg(test)]
mod tests;
