//! Host names that listeners, routes and allow-lists serve.

use std::fmt;

use thiserror::Error;

use crate::{MAX_LABEL, MAX_NAME};

/// A set of host names: one, all below a domain, or any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// One name, lower case, without a trailing dot.
    Exact(Box<str>),
    /// `*.example.com`: every name below `example.com`, at any depth, not `example.com` itself. Holds `.example.com`.
    Wildcard(Box<str>),
    /// Every name.
    Any,
}

/// Why a text is not a host pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a host name: {why}")]
pub struct InvalidHost {
    text: String,
    why: &'static str,
}

impl HostPattern {
    /// Reads `""` (any), `*` (any), `*.example.com` or a name or IP literal. Upper case is folded, one trailing dot is dropped.
    ///
    /// # Errors
    /// When a label is empty or the text has characters that no authority can carry.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        let refuse = |why| InvalidHost { text: text.to_owned(), why };
        if text.is_empty() || text == "*" {
            return Ok(Self::Any);
        }
        let folded = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let (wildcard, name) = match folded.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, folded.as_str()),
        };
        let literal = name.parse::<std::net::IpAddr>().is_ok();
        if literal && wildcard {
            return Err(refuse("an IP address has no names below it"));
        }
        if !literal {
            if name.len() > MAX_NAME {
                return Err(refuse("it is longer than 253 characters"));
            }
            if name.split('.').any(|label| label.is_empty() || label.len() > MAX_LABEL) {
                return Err(refuse("each label between dots needs 1 to 63 characters"));
            }
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                return Err(refuse("only letters, digits, '-', '_' and '.' can be used"));
            }
        }
        Ok(if wildcard { Self::Wildcard(format!(".{name}").into()) } else { Self::Exact(name.into()) })
    }

    /// Whether `host` (lower case, without port, brackets or trailing dot) is in the set.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => **name == *host,
            Self::Wildcard(suffix) => host.len() > suffix.len() && host.ends_with(&**suffix),
            Self::Any => true,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*{suffix}"),
            Self::Any => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests;
