use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::authority::{Host, is_name};

/// A host name that requests may be addressed to although DNS says whose it is: one that the operator vouches for.
///
/// Letters, digits, hyphens, underscores and dots, 253 characters at most (RFC 1123, section 2.1; underscores occur in
/// networks of containers). Upper case and a final dot make no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// Why a text is no host name that can be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// It is an address.
    #[error("it is an IP address, and those are allowed anyway")]
    Address,
    /// It says more than a name.
    #[error("it must be a host name alone, such as backstay.example: without scheme, port, path or wildcard")]
    Malformed,
}

impl HostName {
    pub(crate) fn is(&self, host: &str) -> bool {
        self.0 == host
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(HostNameError::Address);
        }
        if !is_name(text) {
            return Err(HostNameError::Malformed);
        }
        match Host::parse(text) {
            Some(Host::Name(name)) => Ok(Self(name)),
            _ => Err(HostNameError::Malformed),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
