use std::fmt;

use super::FieldPath;

/// A field that strict decoding refuses and lenient decoding passes over. Displayed in the words of Kubernetes'
/// `fieldValidation`: `unknown field "spec.protcol"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surplus {
    /// The kind has no such field; it is dropped.
    Unknown(FieldPath),
    /// The field is written twice; the last one counts.
    Duplicate(FieldPath),
}

impl Surplus {
    /// Which field.
    #[must_use]
    pub fn path(&self) -> &FieldPath {
        match self {
            Surplus::Unknown(path) | Surplus::Duplicate(path) => path,
        }
    }
}

impl fmt::Display for Surplus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Surplus::Unknown(path) => write!(formatter, "unknown field {:?}", path.as_str()),
            Surplus::Duplicate(path) => write!(formatter, "duplicate field {:?}", path.as_str()),
        }
    }
}
