//! Protocols that a connection of a client may change to.

use thiserror::Error;

/// The protocols that a connection may change to when client and endpoint agree (RFC 9110, 7.8). An offer of any other is dropped on
/// its way to the endpoint: what follows such a change is not read, and so not held to anything that is said of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrades(Box<[Box<str>]>);

/// A protocol that no connection may change to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpgradeError {
    /// The name is no token (RFC 9110, 5.6.2).
    #[error("{0:?} is not the name of a protocol")]
    NotAName(Box<str>),
    /// HTTP/2 is not spoken by upgrade (RFC 9113, 3.1).
    #[error("{0} cannot be changed to: HTTP/2 is spoken from the beginning of a connection")]
    Http2(Box<str>),
}

impl Default for Upgrades {
    /// `websocket` alone.
    fn default() -> Self {
        Self(Box::new(["websocket".into()]))
    }
}

impl Upgrades {
    /// These protocols, by name, without a version, in any case.
    ///
    /// # Errors
    /// When one cannot be changed to.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, UpgradeError> {
        names.into_iter().map(named).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `protocol` is one of them, of whatever version.
    pub(crate) fn permit(&self, protocol: &[u8]) -> bool {
        let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
        !is_http2(protocol) && self.0.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }
}

fn named(name: &str) -> Result<Box<str>, UpgradeError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(UpgradeError::NotAName(name.into()));
    }
    if is_http2(name.as_bytes()) {
        return Err(UpgradeError::Http2(name.into()));
    }
    Ok(name.to_ascii_lowercase().into())
}

/// HTTP/2 by upgrade has smuggled requests past proxies.
fn is_http2(protocol: &[u8]) -> bool {
    let begins = |name: &[u8]| protocol.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    begins(b"h2") || begins(b"http/2")
}

#[cfg(test)]
mod tests;
