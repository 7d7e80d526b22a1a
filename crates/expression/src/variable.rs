//! Parts of a request.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

use crate::{Request, Value, cookie, path, query};

/// A part of a request that is a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Variable {
    /// A header; several lines of it are one, joined by `, ` (RFC 9110, 5.3).
    Header(HeaderName),
    /// The first cookie of this name, as it is sent.
    Cookie(Box<[u8]>),
    /// The first query parameter of this name, decoded.
    QueryParameter(Box<[u8]>),
    /// A part that every request has, or has not.
    Part(Part),
    /// The time, in UTC.
    Now,
}

/// A part of a request that has no name of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The method.
    Method,
    /// Path and query.
    Target,
    /// The path.
    Path,
    /// The query without its `?`; absent when there is none.
    Query,
    /// What follows the last `.` of the last element of the path; empty when it has none.
    Extension,
    /// The last element of the path.
    Basename,
    /// What precedes the last element of the path; `/` for an element of the root.
    Directory,
    /// The host, lower case, without its port.
    Host,
    /// `http` or `https`.
    Scheme,
    /// `HTTP/1.1`, `HTTP/2`.
    Protocol,
    /// The client's address.
    ClientAddress,
    /// Name of the destination selected so far; absent before the first.
    Selected,
}

impl Variable {
    /// Its value, if `request` has it.
    pub fn of<'r>(&self, request: &'r (impl Request + ?Sized)) -> Option<Value<'r>> {
        match self {
            Self::Header(name) => header(request, name),
            Self::Cookie(name) => cookie::first(request.headers(), name).map(Value::Borrowed),
            Self::QueryParameter(name) => match query::first(path::query(request.target())?, name)? {
                Cow::Borrowed(value) => Some(Value::Borrowed(value)),
                Cow::Owned(value) => Some(value.into()),
            },
            Self::Part(part) => part.of(request).map(Value::Borrowed),
            Self::Now => Some(request.now().into_bytes().into()),
        }
    }

    /// Its value where `request` has it in one piece.
    #[inline]
    pub(crate) fn as_it_is<'r>(&self, request: &'r (impl Request + ?Sized)) -> Option<&'r [u8]> {
        match self {
            Self::Part(Part::Target) => Some(request.target()),
            Self::Part(part) => part.of(request),
            Self::Header(name) => {
                let mut lines = request.headers().get_all(name).iter();
                let first = lines.next()?;
                lines.next().is_none().then(|| first.as_bytes())
            }
            Self::Cookie(_) | Self::QueryParameter(_) | Self::Now => None,
        }
    }

    /// Whether `request` has it.
    pub(crate) fn is_in(&self, request: &(impl Request + ?Sized)) -> bool {
        match self {
            Self::Header(name) => request.headers().contains_key(name),
            other => other.of(request).is_some(),
        }
    }
}

impl Part {
    fn of(self, request: &(impl Request + ?Sized)) -> Option<&[u8]> {
        Some(match self {
            Self::Method => request.method(),
            Self::Target => request.target(),
            Self::Path => path::path(request.target()),
            Self::Query => path::query(request.target())?,
            Self::Extension => path::extension(path::path(request.target())),
            Self::Basename => path::basename(path::path(request.target())),
            Self::Directory => path::directory(path::path(request.target())),
            Self::Host => request.host(),
            Self::Scheme => request.scheme().as_bytes(),
            Self::Protocol => request.protocol().as_bytes(),
            Self::ClientAddress => request.client_text(),
            Self::Selected => request.selected()?,
        })
    }
}

fn header<'r>(request: &'r (impl Request + ?Sized), name: &HeaderName) -> Option<Value<'r>> {
    let mut lines = request.headers().get_all(name).iter().map(HeaderValue::as_bytes);
    let first = lines.next()?;
    let Some(second) = lines.next() else { return Some(Value::Borrowed(first)) };
    let mut joined = [first, b", ", second].concat();
    for line in lines {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(line);
    }
    Some(joined.into())
}
