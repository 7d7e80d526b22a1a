//! URLs, as Go's `net/url` reads them.

/// A URL, as far as formats ask for it.
pub(super) struct Url {
    pub(super) has_scheme: bool,
    /// Decoded.
    pub(super) path: String,
}

/// Reads one; `None` where Go has an error.
pub(super) fn parse(text: &str) -> Option<Url> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    decoded(fragment)?;
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7F) {
        return None;
    }
    let (scheme, rest) = scheme(text)?;
    let has_scheme = !scheme.is_empty();
    let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if has_scheme {
            // What is opaque is not looked into.
            return Some(Url { has_scheme, path: String::new() });
        }
        let first = rest.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return None;
        }
    }
    let path = match rest.strip_prefix("//") {
        Some(after) if has_scheme || !rest.starts_with("///") => {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            is_authority(authority).then_some(path)?
        }
        _ => rest,
    };
    Some(Url { has_scheme, path: decoded(path)? })
}

/// The scheme, and what follows it. Empty where there is none.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => return Some(("", text)),
        }
    }
    Some(("", text))
}

/// A text without its percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            out.push(byte);
            rest = after;
            continue;
        }
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after.get(2..)?;
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn is_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) => {
            let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(is_user) || decoded(user).is_none() {
                return false;
            }
            host
        }
    };
    let is_port = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if host.starts_with('[') {
        let Some((inside, port)) = host.rsplit_once(']') else { return false };
        let address = inside.get(1..).unwrap_or_default();
        let (address, zone) =
            address.split_once("%25").map_or((address, None), |(address, zone)| (address, Some(zone)));
        return is_port(port)
            && zone.is_none_or(|zone| decoded(zone).is_some())
            && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let port = host.rfind(':').and_then(|at| host.get(at..)).unwrap_or_default();
    is_port(port) && is_host(host)
}

/// A name: of percent-encoding, only that of what is beyond ASCII.
fn is_host(host: &str) -> bool {
    let mut rest = host.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            // Below 0x80 there is nothing that has to be encoded in a name.
            if !digits.is_some_and(|digits| matches!(digits.first(), Some(b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F'))) {
                return false;
            }
            rest = after.get(2..).unwrap_or_default();
        } else if byte < 0x80 && !byte.is_ascii_alphanumeric() && !b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte) {
            return false;
        }
    }
    true
}
