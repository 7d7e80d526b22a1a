//! The request of a call, as changes see it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::url;

/// The request of a call.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The scheme of the URL.
    pub scheme: Scheme,
    /// The host of the URL, with its port if it has one.
    pub authority: String,
    /// The path, and the query if there is one, as they are sent.
    pub target: String,
    /// What `Host` says. `None` for the authority.
    pub host: Option<HeaderValue>,
    /// The header fields, without `Host`.
    pub headers: HeaderMap,
    /// The body that takes the place of the one that there would be.
    pub body: Option<Bytes>,
}

/// The scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// As URLs have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of URLs that have none.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Outgoing {
    /// The whole URL.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.authority, self.target)
    }

    /// The path without its percent-encoding.
    pub(super) fn path(&self) -> Vec<u8> {
        url::percent::decoded(self.split().0).unwrap_or_default().into_owned()
    }

    /// The query as it is written; empty without one.
    pub(super) fn query(&self) -> &str {
        self.split().1.unwrap_or_default()
    }

    fn split(&self) -> (&str, Option<&str>) {
        self.target.split_once('?').map_or((&self.target, None), |(path, query)| (path, Some(query)))
    }

    pub(super) fn set_path(&mut self, path: &str) {
        let mut target = String::with_capacity(self.target.len() + path.len());
        url::encode_path(path.as_bytes(), &mut target);
        if let Some(query) = self.split().1 {
            target.push('?');
            target.push_str(query);
        }
        self.target = target;
    }

    pub(super) fn set_query(&mut self, query: &str) {
        let mut target = self.split().0.to_owned();
        if !query.is_empty() {
            target.push('?');
            url::write_query(query, &mut target);
        }
        self.target = target;
    }

    /// What `Host` says.
    pub(super) fn host(&self) -> &[u8] {
        self.host.as_ref().map_or(self.authority.as_bytes(), HeaderValue::as_bytes)
    }

    /// The port that the URL has, or nothing for the scheme's.
    pub(super) fn port(&self) -> Option<u16> {
        // Of an IPv6 address the colons are within brackets.
        let after = self.authority.rsplit_once(']').map_or(self.authority.as_str(), |(_, after)| after);
        after.rsplit_once(':')?.1.parse().ok()
    }
}
