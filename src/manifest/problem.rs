//! Something wrong with a manifest.

use std::fmt;

/// Something wrong, and where: `FILE:LINE:COLUMN: KIND/NAME: field: message`. What is not known is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// File, or `stdin`.
    pub(crate) origin: String,
    /// From 1.
    pub(crate) line: Option<u64>,
    /// From 1, in characters; of a field.
    pub(crate) column: Option<u32>,
    /// `KIND/NAME`; empty where the document could not be read.
    pub(crate) subject: String,
    /// Path of the field; empty for the whole object.
    pub(crate) field: String,
    /// A sentence.
    pub(crate) message: String,
}

impl Problem {
    /// Whether it is about the same field as `other`, or what that is part of.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let same = self.origin == other.origin && self.subject == other.subject;
        same && other.field.strip_prefix(&self.field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.origin)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(formatter, ":{column}")?;
        }
        for part in [&self.subject, &self.field] {
            if !part.is_empty() {
                write!(formatter, ": {part}")?;
            }
        }
        write!(formatter, ": {}", self.message)
    }
}
