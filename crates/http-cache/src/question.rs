//! What is asked, as far as it counts for what is kept.

use http::Method;
use http::header::{
    HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};

use crate::directives::Directives;

/// A request to a server.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole URL.
    pub url: &'a str,
    /// The header fields as they are sent.
    pub headers: &'a HeaderMap,
}

/// What makes an answer another than the whole one.
const CONDITIONS: [HeaderName; 5] = [IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE];

impl Question<'_> {
    /// Whether what is kept may be the answer, and the answer be kept.
    pub(crate) fn is_cacheable(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD) && !self.headers.contains_key(RANGE)
    }

    /// Whether the client has a copy of its own that it asks about.
    pub(crate) fn has_condition(&self) -> bool {
        CONDITIONS.iter().any(|name| self.headers.contains_key(name))
    }

    pub(crate) fn directives(&self) -> Directives {
        Directives::of_request(self.headers)
    }

    /// What an answer is kept under.
    pub(crate) fn key(&self) -> String {
        key(self.method, self.url)
    }
}

pub(crate) fn key(method: &Method, url: &str) -> String {
    format!("{method} {url}")
}
