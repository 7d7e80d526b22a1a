//! An authority, read once: an address, or a name and port in the one spelling the cache knows.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::MAX_NAME;
use crate::hostname::is_dns_name;

#[cfg(test)]
mod tests;

/// A name, a colon and five digits.
const MAX_KEY: usize = MAX_NAME + 6;

/// Why an authority names no destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorityError {
    /// There is no host in it.
    #[error("the authority has no host")]
    Empty,
    /// It is neither an address nor a name that DNS could know, or its port is not 1 to 65535.
    #[error("the authority is neither an IP address nor a valid host name with a port of 1 to 65535")]
    Malformed,
}

/// Where an authority leads. Kept on the stack: nothing is allocated to ask for a host that is known.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "boxing the name would allocate for every request")]
pub enum Target {
    /// An IP literal: nothing to look up.
    Literal(SocketAddr),
    /// A name to look up.
    Name(TargetName),
}

/// A host name and port in normal form: lower case, no trailing dot, the port always written. Lives on the stack.
#[derive(Clone)]
pub struct TargetName {
    key: [u8; MAX_KEY],
    length: usize,
    name_length: usize,
    port: u16,
}

impl Target {
    /// Reads `authority`: `host`, `host:port`, `address`, `address:port`, `[address]` or `[address]:port`. Without a port it is
    /// `default_port`.
    ///
    /// An IPv4 address is four decimal numbers and nothing else. What other programs also take for one (`127.1`,
    /// `0x7f000001`, `0177.0.0.1`) is refused and never looked up.
    ///
    /// # Errors
    /// [`AuthorityError::Empty`] without a host, [`AuthorityError::Malformed`] for whatever else leads nowhere:
    /// user information, port 0, a label over 63 bytes, a name over 253.
    pub fn parse(authority: &str, default_port: u16) -> Result<Self, AuthorityError> {
        if let Some(rest) = authority.strip_prefix('[') {
            let (address, rest) = rest.split_once(']').ok_or(AuthorityError::Malformed)?;
            let address: Ipv6Addr = address.parse().map_err(|_| AuthorityError::Malformed)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => default_port,
                None => return Err(AuthorityError::Malformed),
            };
            return Ok(Self::Literal(SocketAddr::new(IpAddr::V6(address), port)));
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if host.is_empty() {
            return Err(AuthorityError::Empty);
        }
        Self::from_parts(host, port.map_or(Ok(default_port), parse_port)?)
    }

    /// Reads a host alone: a name, or an address without brackets.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn from_parts(host: &str, port: u16) -> Result<Self, AuthorityError> {
        if host.is_empty() {
            return Err(AuthorityError::Empty);
        }
        if port == 0 {
            return Err(AuthorityError::Malformed);
        }
        match host.parse::<IpAddr>() {
            Ok(address) => Ok(Self::Literal(SocketAddr::new(address, port))),
            Err(_) => TargetName::new(host, port).map(Self::Name),
        }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Literal(address) => address.port(),
            Self::Name(name) => name.port,
        }
    }
}

impl TargetName {
    fn new(host: &str, port: u16) -> Result<Self, AuthorityError> {
        let name = host.strip_suffix('.').unwrap_or(host);
        if !is_dns_name(name) {
            return Err(AuthorityError::Malformed);
        }
        let mut target = Self { key: [0; MAX_KEY], length: 0, name_length: name.len(), port };
        for (to, from) in target.key.iter_mut().zip(name.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        target.length = name.len();
        target.push(b':');
        let mut divisor = 10_000;
        while divisor > port {
            divisor /= 10;
        }
        while divisor > 0 {
            // A digit: the remainder by ten fits a byte.
            target.push(b'0' + (port / divisor % 10) as u8);
            divisor /= 10;
        }
        Ok(target)
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.key.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// `name:port`, the key of the cache.
    #[must_use]
    pub fn key(&self) -> &str {
        std::str::from_utf8(self.key.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key().get(..self.name_length).unwrap_or_default()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl std::fmt::Debug for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TargetName").field(&self.key()).finish()
    }
}

fn parse_port(text: &str) -> Result<u16, AuthorityError> {
    // `u16::from_str` takes a plus sign, a port does not.
    if text.is_empty() || text.len() > 5 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AuthorityError::Malformed);
    }
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(AuthorityError::Malformed),
    }
}
