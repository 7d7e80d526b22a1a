//! Errors that name a field.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/validation/field`: the reasons, and the sentences that clients print.

mod findings;
mod surplus;
mod trail;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use self::findings::Findings;
pub use self::surplus::Surplus;
pub(crate) use self::trail::{Step, Trail};

/// How much of a value an error repeats, in bytes.
const MAX_SHOWN: usize = 512;

/// The path of a field, such as `spec.endpoints[0].fqdn`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(String);

impl FieldPath {
    /// A path that begins with `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The field `name` below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self::new(name) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// The element `index` of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The value under `key` of this map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// Whether this path and `other` are on one line from the root: equal, or one inside the other. The empty path, the
    /// object itself, is on a line with every path.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        let (short, long) = if self.0.len() <= other.0.len() { (&self.0, &other.0) } else { (&other.0, &self.0) };
        short.is_empty()
            || long.strip_prefix(short.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a field is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It must be there.
    Required,
    /// Its value is malformed or out of range.
    Invalid,
    /// Its value is none of those known.
    NotSupported,
    /// It must not be there, or not change.
    Forbidden,
    /// Its value must be unique and is not.
    Duplicate,
    /// It has more characters than allowed.
    TooLong,
    /// It has more elements than allowed.
    TooMany,
    /// It has another JSON type than the schema's.
    TypeInvalid,
}

impl Reason {
    /// The `reason` of a `StatusCause`.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Reason::Required => "FieldValueRequired",
            Reason::Invalid => "FieldValueInvalid",
            Reason::NotSupported => "FieldValueNotSupported",
            Reason::Forbidden => "FieldValueForbidden",
            Reason::Duplicate => "FieldValueDuplicate",
            Reason::TooLong => "FieldValueTooLong",
            Reason::TooMany => "FieldValueTooMany",
            Reason::TypeInvalid => "FieldValueTypeInvalid",
        }
    }
}

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which field.
    pub path: FieldPath,
    /// Why.
    pub reason: Reason,
    /// The sentence without the path, as Kubernetes forms it: `Required value: one of fqdn and ip`,
    /// `Invalid value: "x": must be ...`, `Unsupported value: "x": supported values: "a", "b"`.
    pub message: String,
}

impl FieldError {
    /// The field must be there.
    #[must_use]
    pub fn required(path: FieldPath, detail: &str) -> Self {
        Self::new(path, Reason::Required, "Required value", detail)
    }

    /// The field's value is malformed or out of range.
    #[must_use]
    pub fn invalid(path: FieldPath, value: impl fmt::Debug, detail: &str) -> Self {
        Self::new(path, Reason::Invalid, &format!("Invalid value: {}", shown(value)), detail)
    }

    /// The field's value is malformed, and must not be repeated: what is wrong with it is said without it.
    #[must_use]
    pub fn invalid_hidden(path: FieldPath, detail: &'static str) -> Self {
        Self::new(path, Reason::Invalid, "Invalid value: \"(hidden)\"", detail)
    }

    /// The field's value is none of `supported`.
    #[must_use]
    pub fn not_supported(path: FieldPath, value: impl fmt::Debug, supported: &[&str]) -> Self {
        let list = supported.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
        let head = format!("Unsupported value: {}", shown(value));
        Self::new(path, Reason::NotSupported, &head, &format!("supported values: {list}"))
    }

    /// The field must not be there, or must not change.
    #[must_use]
    pub fn forbidden(path: FieldPath, detail: &str) -> Self {
        Self::new(path, Reason::Forbidden, "Forbidden", detail)
    }

    /// The field's value must be unique.
    #[must_use]
    pub fn duplicate(path: FieldPath, value: impl fmt::Debug) -> Self {
        Self::new(path, Reason::Duplicate, &format!("Duplicate value: {}", shown(value)), "")
    }

    /// The field has more than `limit` characters.
    #[must_use]
    pub fn too_long(path: FieldPath, limit: usize) -> Self {
        Self::new(path, Reason::TooLong, "Too long", &format!("may not be more than {limit} bytes"))
    }

    /// The field has more than `limit` elements.
    #[must_use]
    pub fn too_many(path: FieldPath, count: usize, limit: usize) -> Self {
        let detail = format!("must have at most {limit} items");
        Self::new(path, Reason::TooMany, &format!("Too many: {count}"), &detail)
    }

    /// The field has another JSON type than it should.
    #[must_use]
    pub fn type_invalid(path: FieldPath, value: impl fmt::Debug, detail: &str) -> Self {
        Self::new(path, Reason::TypeInvalid, &format!("Invalid value: {}", shown(value)), detail)
    }

    fn new(path: FieldPath, reason: Reason, head: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { head.to_owned() } else { format!("{head}: {detail}") };
        Self { path, reason, message }
    }
}

/// The value, shortened when it is longer than a person reads: errors are no way to make the server write megabytes.
fn shown(value: impl fmt::Debug) -> String {
    let mut text = format!("{value:?}");
    if text.len() > MAX_SHOWN {
        text.truncate(text.floor_char_boundary(MAX_SHOWN));
        text.push_str("...");
    }
    text
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.path, self.message)
    }
}
