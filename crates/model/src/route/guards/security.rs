//! Hosts that are served, TLS for all of it, and headers that browsers heed.

mod read;

use http::{HeaderMap, HeaderName, HeaderValue};
use regex::bytes::RegexSet;

/// What requests must be for and come by, and what every response says.
#[derive(Clone, Debug)]
pub struct Security {
    hosts: Hosts,
    host_headers: Box<[HeaderName]>,
    /// Where plain requests are sent; `None`: nowhere.
    pub ssl_redirect: Option<SslRedirect>,
    ssl_headers: Box<[(HeaderName, Box<[u8]>)]>,
    fields: Box<[Field]>,
}

/// Hosts that are served.
#[derive(Clone, Debug)]
enum Hosts {
    All,
    Named(Box<[Box<str>]>),
    Matching(RegexSet),
}

/// Where plain requests are sent.
#[derive(Clone, Debug)]
pub struct SslRedirect {
    /// For now, or for ever.
    pub temporary: bool,
    /// The host there; `None`: theirs.
    pub host: Option<Box<str>>,
}

/// A header of responses.
#[derive(Clone, Debug)]
struct Field {
    name: HeaderName,
    value: HeaderValue,
    /// Of those alone whose request came by TLS.
    over_tls: bool,
}

impl Security {
    /// The host of a request with these headers, whose own is `host`.
    #[must_use]
    pub fn host<'a>(&self, host: &'a HeaderValue, headers: &'a HeaderMap) -> &'a HeaderValue {
        let named = self.host_headers.iter().find_map(|name| headers.get(name).filter(|value| !value.is_empty()));
        named.unwrap_or(host)
    }

    /// Whether requests to `host` are served.
    #[must_use]
    pub fn serves(&self, host: &[u8]) -> bool {
        match &self.hosts {
            Hosts::All => true,
            Hosts::Named(hosts) => hosts.iter().any(|named| named.as_bytes().eq_ignore_ascii_case(host)),
            Hosts::Matching(hosts) => hosts.is_match(host),
        }
    }

    /// Whether a header says that the request came by TLS.
    #[must_use]
    pub fn says_tls(&self, headers: &HeaderMap) -> bool {
        let says = |(name, value): &(HeaderName, Box<[u8]>)| {
            headers.get(name).map_or(&[][..], |value| value.as_bytes()) == &**value
        };
        self.ssl_headers.iter().any(says)
    }

    /// Puts on the head of a response what it must have, in place of what is there. `tls`: the request came by TLS.
    pub fn describe(&self, tls: bool, headers: &mut HeaderMap) {
        for field in self.fields.iter().filter(|field| tls || !field.over_tls) {
            headers.insert(&field.name, field.value.clone());
        }
    }
}
