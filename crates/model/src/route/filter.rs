//! Changes to requests and responses on their way through.

mod read;

use std::num::{NonZeroU16, NonZeroU32};
use std::ops::Deref;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::reference::Reference;
pub(super) use read::{filters, header_name, path_edit};

/// What a rule, or one of its backends, changes. Header edits apply in their order; of several rewrites the last wins.
/// `B` stands for a backend, as in [`Action`](super::Action).
#[derive(Clone, Debug)]
pub struct Filters<B = Arc<str>> {
    /// Edits of the request's head.
    pub request_headers: Vec<HeaderEdit>,
    /// Edits of the response's head.
    pub response_headers: Vec<HeaderEdit>,
    /// Authority sent upstream instead of the client's.
    pub rewrite_host: Option<HeaderValue>,
    /// Path sent upstream instead of the client's. The query stays.
    pub rewrite_path: Option<PathEdit>,
    /// Where copies of the request go.
    pub mirrors: Vec<Mirror<B>>,
}

impl<B> Default for Filters<B> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<B> Filters<B> {
    /// No changes.
    const NONE: Self = Self {
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        rewrite_host: None,
        rewrite_path: None,
        mirrors: Vec::new(),
    };

    fn is_none(&self) -> bool {
        let Self { request_headers, response_headers, rewrite_host, rewrite_path, mirrors } = self;
        request_headers.is_empty()
            && response_headers.is_empty()
            && rewrite_host.is_none()
            && rewrite_path.is_none()
            && mirrors.is_empty()
    }
}

/// The [`Filters`] of a rule, or of one of its backends, read like fields of its own. There are many of both, and most change nothing:
/// these take no room.
#[derive(Clone, Debug)]
pub struct Edits<B = Arc<str>>(Option<Box<Filters<B>>>);

impl<B> Default for Edits<B> {
    fn default() -> Self {
        Self(None)
    }
}

impl<B> From<Filters<B>> for Edits<B> {
    fn from(filters: Filters<B>) -> Self {
        Self((!filters.is_none()).then(|| Box::new(filters)))
    }
}

impl<B: 'static> Deref for Edits<B> {
    type Target = Filters<B>;

    #[inline]
    fn deref(&self) -> &Filters<B> {
        match &self.0 {
            Some(filters) => filters,
            None => const { &Filters::NONE },
        }
    }
}

impl Filters {
    /// The backends that copies go to.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        self.mirrors.iter().map(|mirror| (&mirror.backend, mirror.port))
    }

    /// The same changes, with copies to what `find` finds for the backends they name, given with the port. A copy that has nowhere
    /// to go is no reason to refuse the original: it is left out.
    fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> Filters<B> {
        let mirrors = self.mirrors.iter().filter_map(|mirror| {
            let Mirror { port, numerator, denominator, .. } = *mirror;
            Some(Mirror { backend: find(&mirror.backend, port)?, port, numerator, denominator })
        });
        Filters {
            request_headers: self.request_headers.clone(),
            response_headers: self.response_headers.clone(),
            rewrite_host: self.rewrite_host.clone(),
            rewrite_path: self.rewrite_path.clone(),
            mirrors: mirrors.collect(),
        }
    }
}

impl Edits {
    /// The same changes, with copies to what `find` finds for the backends they name, given with the port.
    pub fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> Edits<B> {
        self.0.as_ref().map_or_else(Edits::default, |filters| filters.join(find).into())
    }
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
#[derive(Clone, Debug)]
pub struct Mirror<B = Arc<str>> {
    /// The backend that copies go to.
    pub backend: B,
    /// Port of its endpoints; `None` takes the authority's (dynamic backends only).
    pub port: Option<NonZeroU16>,
    /// Requests copied out of `denominator`.
    pub numerator: u32,
    /// See `numerator`.
    pub denominator: NonZeroU32,
}
