//! Which requests are looked at.

use std::time::Duration;

use backstay_proto::live;
use http::{HeaderName, Method};

/// Headers of a request that may be told.
const MAX_HEADERS: usize = 16;
/// Length of a name or a path, in bytes.
const MAX_TEXT: usize = 4096;

/// Which requests are looked at. What is `None` holds for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    backend: Option<Box<str>>,
    route: Option<Box<str>>,
    path: Option<Box<str>>,
    status: Option<Status>,
    min_duration: Duration,
    method: Option<Method>,
    headers: Box<[HeaderName]>,
}

/// Statuses that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// By the first digit.
    Class(u16),
    Exactly(u16),
}

/// A filter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct FilterError {
    /// What of it, as it is called on the command line and in the query of an address.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

/// A request that has ended, as far as filters ask.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Name of the resource of the backend, if it came to one.
    pub backend: Option<&'a str>,
    /// Name of the resource of the route, if one matched.
    pub route: Option<&'a str>,
    /// The path, without the query.
    pub path: &'a str,
    /// 0 where the client left before there was one.
    pub status: u16,
    /// From the first byte to the last.
    pub duration: Duration,
    /// The method.
    pub method: &'a Method,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first part that cannot be used.
    pub fn read(asked: &live::Filter) -> Result<Self, FilterError> {
        let live::Filter { backend, route, path, status, min_duration_ms, method, headers } = asked;
        for (field, text) in [("backend", backend), ("route", route), ("path", path)] {
            if text.len() > MAX_TEXT {
                return Err(FilterError { field, rule: "must be no longer than 4096 bytes" });
            }
        }
        if !path.is_empty() && !path.starts_with('/') {
            return Err(FilterError { field: "path", rule: "must begin with a slash" });
        }
        if headers.len() > MAX_HEADERS {
            return Err(FilterError { field: "header", rule: "may be given 16 times at most" });
        }
        let unnamed = |_| FilterError { field: "header", rule: "must be the name of a header" };
        let headers = headers.iter().map(|name| name.parse().map_err(unnamed)).collect::<Result<_, _>>()?;
        let method = match method.as_str() {
            "" => None,
            text => Some(text.to_ascii_uppercase().parse().map_err(|_| METHOD)?),
        };
        let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Box::from);
        Ok(Self {
            backend: text(backend),
            route: text(route),
            path: text(path),
            status: if status.is_empty() { None } else { Some(Status::read(status)?) },
            min_duration: Duration::from_millis(*min_duration_ms),
            method,
            headers,
        })
    }

    /// Whether a request is looked at.
    #[must_use]
    pub fn takes(&self, seen: &Seen<'_>) -> bool {
        self.status.is_none_or(|status| status.takes(seen.status))
            && seen.duration >= self.min_duration
            && self.method.as_ref().is_none_or(|method| method == seen.method)
            && self.path.as_deref().is_none_or(|path| seen.path.starts_with(path))
            && named(self.backend.as_deref(), seen.backend)
            && named(self.route.as_deref(), seen.route)
    }

    /// Headers of requests that are told.
    #[must_use]
    pub fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// Whether a backend is one of those looked at.
    #[must_use]
    pub fn takes_backend(&self, resource: &str) -> bool {
        named(self.backend.as_deref(), Some(resource))
    }

    /// Whether it asks for more than a backend.
    #[must_use]
    pub fn asks_for_requests(&self) -> bool {
        let Self { backend: _, route, path, status, min_duration, method, headers: _ } = self;
        route.is_some() || path.is_some() || status.is_some() || !min_duration.is_zero() || method.is_some()
    }
}

const METHOD: FilterError = FilterError { field: "method", rule: "must be a method of HTTP, such as GET" };
const STATUS: FilterError = FilterError {
    field: "status",
    rule: "must be a status such as 404, a class such as 5xx, or 0 for clients that left",
};

impl Status {
    fn read(text: &str) -> Result<Self, FilterError> {
        if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            let class = class.parse().ok().filter(|class| (1..=5).contains(class));
            return class.map(Self::Class).ok_or(STATUS);
        }
        let status = text.parse().ok().filter(|status| *status == 0 || (100..=999).contains(status));
        status.map(Self::Exactly).ok_or(STATUS)
    }

    const fn takes(self, status: u16) -> bool {
        match self {
            Self::Class(class) => status / 100 == class,
            Self::Exactly(exactly) => status == exactly,
        }
    }
}

/// Whether a resource is the one that is asked for: by its name, or by that of the object that it is made of.
fn named(asked: Option<&str>, resource: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    resource.is_some_and(|resource| resource == asked || object(resource) == asked)
}

/// The object that a resource is made of: `demo` of `backend/demo`, `shop/cart` of `route/shop/cart`.
#[must_use]
pub fn object(resource: &str) -> &str {
    resource.split_once('/').map_or(resource, |(_, object)| object)
}

#[cfg(test)]
mod tests;
