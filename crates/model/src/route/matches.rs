//! Conditions on a request.

mod read;

use std::fmt;
use std::sync::Arc;

use backstay_expression::query;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use super::template::PathTemplate;

pub(super) use read::matcher;

/// One match of a rule: every condition must hold.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Condition on the path.
    pub path: PathMatch,
    /// `None` matches every method.
    pub method: Option<Method>,
    /// Conditions on headers.
    pub headers: Box<[HeaderMatch]>,
    /// Conditions on query parameters.
    pub query: Box<[QueryMatch]>,
}

impl Matcher {
    /// A match for every path below `prefix`, by whole elements.
    pub fn prefix(prefix: &str) -> Self {
        Self::path(PathMatch::Prefix(prefix.into()))
    }

    /// A match on the path alone.
    pub fn path(path: PathMatch) -> Self {
        Self { path, method: None, headers: Box::default(), query: Box::default() }
    }

    /// Whether everything but the path holds.
    pub(super) fn holds(&self, method: &Method, headers: &HeaderMap, query: Option<&str>) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.headers.iter().all(|header| header.holds(headers))
            && self.query.iter().all(|parameter| parameter.holds(query))
    }
}

/// A condition on the path, compared as sent, but for templates: no decoding, no normalisation.
#[derive(Debug, Clone)]
pub enum PathMatch {
    /// The whole path.
    Exact(Box<str>),
    /// Its first elements: `/foo` (or `/foo/`) holds for `/foo`, `/foo/` and `/foo/bar`, not for `/foobar`.
    Prefix(Box<str>),
    /// The whole path; made by [`ValueMatch::regex`]'s rules.
    Regex(Regex),
    /// The whole path, decoded.
    Template(Arc<PathTemplate>),
}

impl PathMatch {
    /// A regular expression that must match the whole path.
    ///
    /// # Errors
    /// When `pattern` is not in the regex crate's syntax, or its compiled form is too large.
    pub fn regex(pattern: &str) -> Result<Self, InvalidRegex> {
        whole(pattern).map(Self::Regex)
    }

    /// Writes what it is called in spans and metrics, which is of few values, whatever clients ask for.
    ///
    /// # Errors
    /// Those of `out`.
    #[inline]
    pub fn write_name(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Exact(path) => out.write_str(path),
            Self::Prefix(prefix) => {
                out.write_str(prefix.trim_end_matches('/'))?;
                out.write_str("/*")
            }
            Self::Regex(regex) => out.write_str(pattern(regex)),
            Self::Template(template) => template.elements.iter().try_for_each(|element| match &element.variable {
                Some(variable) => write!(out, "/{}{{{variable}}}", element.literal),
                None => write!(out, "/{}", element.literal),
            }),
        }
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_name(f)
    }
}

/// A condition on a header, as a whole: several lines of one name are one value, joined with `, ` (RFC 9110, 5.3), and those of `cookie`
/// with `; ` (RFC 9113, 8.2.3), which is what an endpoint may make of them.
#[derive(Debug, Clone)]
pub struct HeaderMatch {
    /// Name of the header.
    pub name: HeaderName,
    /// Condition on its value.
    pub value: ValueMatch,
}

impl HeaderMatch {
    fn holds(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(&self.name).iter().map(HeaderValue::as_bytes);
        let Some(first) = lines.next() else {
            return false;
        };
        let Some(second) = lines.next() else {
            return self.value.holds(first);
        };
        let separator: &[u8] = if self.name == COOKIE { b"; " } else { b", " };
        let mut joined = first.to_vec();
        for line in [second].into_iter().chain(lines) {
            joined.extend_from_slice(separator);
            joined.extend_from_slice(line);
        }
        self.value.holds(&joined)
    }
}

/// A condition on a query parameter: the first of several of one name counts. Both sides of `=` are compared decoded.
#[derive(Debug, Clone)]
pub struct QueryMatch {
    /// Name of the parameter.
    pub name: Box<str>,
    /// Condition on its value.
    pub value: ValueMatch,
}

impl QueryMatch {
    fn holds(&self, query: Option<&str>) -> bool {
        query
            .and_then(|query| query::first(query.as_bytes(), self.name.as_bytes()))
            .is_some_and(|value| self.value.holds(&value))
    }
}

/// A condition on a value.
#[derive(Debug, Clone)]
pub enum ValueMatch {
    /// Equal, byte by byte.
    Exact(Box<[u8]>),
    /// Matches as a whole.
    Regex(Regex),
}

impl ValueMatch {
    /// Equal to `text`.
    pub fn exact(text: &str) -> Self {
        Self::Exact(text.as_bytes().into())
    }

    /// A regular expression that must match the whole value.
    ///
    /// # Errors
    /// When `pattern` is not in the regex crate's syntax, or its compiled form is too large.
    pub fn regex(pattern: &str) -> Result<Self, InvalidRegex> {
        whole(pattern).map(Self::Regex)
    }

    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(wanted) => **wanted == *value,
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// Why a regular expression is refused.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("not a usable regular expression: {0}")]
pub struct InvalidRegex(#[from] regex::Error);

/// Largest compiled form of one expression, in bytes. A few hundred characters of ordinary syntax stay far below.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

/// A pattern as it was written, of which [`whole`] has made this.
fn pattern(regex: &Regex) -> &str {
    let text = regex.as_str();
    let text = text.strip_prefix(r"\A(?:").and_then(|text| text.strip_suffix(r")\z")).unwrap_or(text);
    text.strip_suffix('\n').unwrap_or(text)
}

fn whole(pattern: &str) -> Result<Regex, InvalidRegex> {
    // Alone first: "a)|(b" would become valid inside the group that anchors the whole.
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(REGEX_SIZE_LIMIT).build();
    build(pattern)?;
    // The newline ends a comment that the pattern may leave open in extended mode.
    build(&format!(r"\A(?:{pattern})\z")).or_else(|_| build(&format!("\\A(?:{pattern}\n)\\z"))).map_err(InvalidRegex)
}
