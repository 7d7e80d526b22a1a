//! What changes depend on.

use http::header::{HOST, HeaderName, HeaderValue};
use regex::bytes::Regex;

use super::ModifyError;
use super::cookie;
use super::outgoing::{Outgoing, Scheme};
use super::response::Incoming;
use crate::url::Query;

/// What a change of a request depends on.
#[derive(Clone, Debug)]
pub enum RequestCondition {
    /// A header has this value among its own. `Host` counts as one.
    Header(HeaderName, HeaderValue),
    /// What can be told from the request, for the change of an answer as well.
    Request(UrlMatch),
    /// The request has a cookie.
    Cookie(Cookie),
}

/// What a change of an answer depends on.
#[derive(Clone, Debug)]
pub enum ResponseCondition {
    /// A header of the answer has this value among its own.
    Header(HeaderName, HeaderValue),
    /// What can be told from the request.
    Request(UrlMatch),
    /// The answer sets a cookie.
    Cookie(Cookie),
}

/// What can be told from a request.
#[derive(Clone, Debug)]
pub enum UrlMatch {
    /// The first value of a header is not empty, and matched.
    Header(HeaderMatch),
    /// A parameter of the query has this value; an empty value is any.
    Parameter(String, String),
    /// Parts of the URL, where they are given.
    Parts {
        /// The scheme.
        scheme: Option<Scheme>,
        /// The host, with its port if it has one; each `*` is any text without a dot.
        host: Option<String>,
        /// The path, not percent-encoded.
        path: Option<String>,
        /// The query, as it is written.
        query: Option<String>,
    },
    /// Matches a part of the whole URL.
    Regex(Regex),
    /// The port of the URL, which is the scheme's where it has none.
    Port(u16),
}

/// A regex that matches a part of a header's first value.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// The header.
    pub name: HeaderName,
    /// What matches.
    pub regex: Regex,
}

/// A cookie by its name, and its value unless that is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The name.
    pub name: String,
    /// The value; empty for any.
    pub value: String,
}

impl RequestCondition {
    pub(super) fn holds(&self, request: &Outgoing) -> bool {
        match self {
            Self::Header(name, value) if *name == HOST => !value.is_empty() && request.host() == value.as_bytes(),
            Self::Header(name, value) => request.headers.get_all(name).iter().any(|there| there == value),
            Self::Request(url) => url.holds(request),
            Self::Cookie(cookie) => cookie::sent(&request.headers).any(|(name, value)| cookie.is(name, value)),
        }
    }
}

impl ResponseCondition {
    pub(super) fn holds(&self, request: &Outgoing, response: &Incoming) -> Result<bool, ModifyError> {
        Ok(match self {
            Self::Header(name, value) => {
                *name != HOST && response.headers.get_all(name).iter().any(|there| there == value)
            }
            // Martian looks for the port in the host when the scheme's is another, and fails without one; on requests it does not.
            Self::Request(UrlMatch::Port(port)) if request.port().is_none() && *port != request.scheme.port() => {
                return Err(ModifyError::NoPort(request.authority.clone()));
            }
            Self::Request(url) => url.holds(request),
            Self::Cookie(cookie) => cookie::set(&response.headers).any(|(name, value)| cookie.is(name, value)),
        })
    }
}

impl UrlMatch {
    fn holds(&self, request: &Outgoing) -> bool {
        match self {
            Self::Header(HeaderMatch { name, regex }) => {
                let value = request.headers.get(name).filter(|value| !value.is_empty());
                value.is_some_and(|value| regex.is_match(value.as_bytes()))
            }
            Self::Parameter(name, value) => {
                let query = Query::parse(request.query());
                query
                    .values(name.as_bytes())
                    .is_some_and(|values| value.is_empty() || values.iter().any(|there| there == value.as_bytes()))
            }
            Self::Parts { scheme, host, path, query } => {
                scheme.is_none_or(|scheme| scheme == request.scheme)
                    && host.as_deref().is_none_or(|host| is_like(request.authority.as_bytes(), host.as_bytes()))
                    && path.as_deref().is_none_or(|path| request.path() == path.as_bytes())
                    && query.as_deref().is_none_or(|query| request.query() == query)
            }
            Self::Regex(regex) => regex.is_match(request.url().as_bytes()),
            Self::Port(port) => request.port().unwrap_or_else(|| request.scheme.port()) == *port,
        }
    }
}

impl Cookie {
    fn is(&self, name: &[u8], value: &[u8]) -> bool {
        self.name.as_bytes() == name && (self.value.is_empty() || self.value.as_bytes() == value)
    }
}

/// Whether a host is like a pattern in which each `*` is text without a dot. Both are looked at from the end. A `*` takes at
/// least one character when it is first, and any number else.
fn is_like(host: &[u8], pattern: &[u8]) -> bool {
    if host.is_empty() {
        return false;
    }
    if host == pattern {
        return true;
    }
    let mut at = host.len() - 1;
    for (position, &wanted) in pattern.iter().enumerate().rev() {
        if wanted == b'*' {
            while at > 0 && host.get(at) != Some(&b'.') {
                at -= 1;
            }
            if position == 0 && at == 0 {
                return true;
            }
            continue;
        }
        if host.get(at) != Some(&wanted) {
            return false;
        }
        if at == 0 {
            return position == 0;
        }
        at -= 1;
    }
    false
}
