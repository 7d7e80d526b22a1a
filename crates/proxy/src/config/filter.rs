//! Changes to requests and responses on their way through.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::Backend;

/// What a rule, or one of its backends, changes. Header edits apply in their order; of several rewrites the last wins.
#[derive(Debug, Default)]
pub struct Filters {
    /// Edits of the request's head.
    pub request_headers: Box<[HeaderEdit]>,
    /// Edits of the response's head.
    pub response_headers: Box<[HeaderEdit]>,
    /// Authority sent upstream instead of the client's.
    pub rewrite_host: Option<HeaderValue>,
    /// Path sent upstream instead of the client's. The query stays.
    pub rewrite_path: Option<PathEdit>,
    /// Where copies of the request go.
    pub mirrors: Box<[Mirror]>,
}

/// One change to a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Replaces all values.
    Set(HeaderName, HeaderValue),
    /// Adds a value beside those present.
    Add(HeaderName, HeaderValue),
    /// Removes all values.
    Remove(HeaderName),
}

/// A new path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathEdit {
    /// The whole path. Valid in a URI, starts with `/`, holds neither `?` nor `#`.
    Full(Box<str>),
    /// Replaces the prefix that the rule matched; for a match that is not by prefix, nothing changes.
    Prefix(Box<str>),
}

/// A copy of requests to another backend, whose answer nobody sees.
#[derive(Debug)]
pub struct Mirror {
    /// Where copies go.
    pub backend: Arc<Backend>,
    /// Port of its endpoints; `None` takes the authority's (dynamic backends only).
    pub port: Option<NonZeroU16>,
    /// Requests copied out of `denominator`.
    pub numerator: u32,
    /// See `numerator`.
    pub denominator: NonZeroU32,
}
