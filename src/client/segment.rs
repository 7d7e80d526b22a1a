//! One segment of a path of the API: the name of an object, a namespace or a kind.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A name that a path can be built of. It is never empty, for the path would then be that of all objects; and it never
/// has a part that a server, or whatever is before it, could take for another place.
///
/// Source: Kubernetes, `rest.IsValidPathSegmentName`; stricter, as no object here has such a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Segment(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SegmentError {
    /// Nothing, as of a variable that is not set.
    #[error("resource name may not be empty")]
    Empty,
    /// A step within a path.
    #[error("a name may not be '.' or '..'")]
    Step,
    /// What separates, escapes or ends a path.
    #[error("a name may not contain {0:?}")]
    Separator(char),
}

impl Segment {
    /// The namespace of objects that name none.
    pub(crate) fn default_namespace() -> Self {
        Self("default".to_owned())
    }

    /// As it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in a path.
    pub(crate) fn escaped(&self) -> String {
        escape(&self.0)
    }
}

impl FromStr for Segment {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        if text.is_empty() {
            return Err(SegmentError::Empty);
        }
        if matches!(text, "." | "..") {
            return Err(SegmentError::Step);
        }
        let separates = |character: &char| {
            matches!(character, '/' | '\\' | '%' | '?' | '#') || character.is_whitespace() || character.is_control()
        };
        match text.chars().find(separates) {
            Some(separator) => Err(SegmentError::Separator(separator)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Segment {
    type Error = SegmentError;

    fn try_from(text: String) -> Result<Self, SegmentError> {
        text.parse()
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Escapes what must not stand in a value of a query, or in a segment of a path that is a [`Segment`].
///
/// Source: RFC 3986 section 3.4; escapes more than it must.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
