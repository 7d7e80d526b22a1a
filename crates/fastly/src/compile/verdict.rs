//! What is wrong with a version, and what it says that is not done.

use std::fmt;

/// Something about one object of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object, by its kind and name: `Backend 'origin'`. Empty for the version as a whole.
    pub object: String,
    /// A sentence without its full stop; of a statement, with the position on a line of its own.
    pub message: String,
}

/// What is found when a version is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why the version cannot be activated.
    pub errors: Vec<Problem>,
    /// What is not done as it is asked for, or will surprise, and keeps nobody from activating it.
    pub warnings: Vec<Problem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.object.is_empty() {
            write!(formatter, "{}: ", self.object)?;
        }
        formatter.write_str(&self.message)
    }
}

impl Verdict {
    /// Whether the version can be activated.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn error(&mut self, object: impl fmt::Display, message: impl Into<String>) {
        self.errors.push(Problem { object: object.to_string(), message: message.into() });
    }

    pub(super) fn warning(&mut self, object: impl fmt::Display, message: impl Into<String>) {
        self.warnings.push(Problem { object: object.to_string(), message: message.into() });
    }
}

/// An object of a version, as problems name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a>(pub(super) &'static str, pub(super) &'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} '{}'", self.0, self.1)
    }
}
