//! Answers that an operator wrote, and where clients are sent.

mod read;

use std::num::NonZeroU16;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};

use super::PathEdit;
pub(super) use read::{fields, redirect, respond};

/// Sends the client elsewhere.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// `http` or `https`; `None` keeps the request's.
    pub scheme: Option<Box<str>>,
    /// `None` keeps the request's.
    pub hostname: Option<Box<str>>,
    /// `None` keeps the request's.
    pub path: Option<PathEdit>,
    /// `None`: the well-known port of the scheme when one is given, else the listener's.
    pub port: Option<NonZeroU16>,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

/// An answer written by the operator.
#[derive(Debug, Clone)]
pub struct Respond {
    /// Its status.
    pub status: StatusCode,
    /// Its body; empty sends none.
    pub body: Bytes,
    /// Content type of a body.
    pub content_type: HeaderValue,
    /// Reason phrase over HTTP/1.1 (RFC 9112, 4), which no other version has; `None`: the status's own.
    pub reason: Option<Bytes>,
    /// More headers, in order; of several of one name each is a line.
    pub headers: Box<[(HeaderName, HeaderValue)]>,
    /// What was asked for in its place, if it is not this answer.
    pub instead_of: Option<InsteadOf>,
}

/// What an answer of the proxy's own stands in place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsteadOf {
    /// A backend that does not exist, or may not be referred to.
    UnresolvedBackend,
    /// A rule that cannot be honoured.
    RefusedRule,
    /// Backends, of which there is none of any weight.
    NoBackend,
}

impl Respond {
    /// An answer in plain text.
    pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            content_type: HeaderValue::from_static("text/plain"),
            reason: None,
            headers: Box::default(),
            instead_of: None,
        }
    }
}
