//! Where something is written, and what leads there.

use std::fmt;

use crate::quote::quoted;

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

impl Place {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// A value, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The place of its key, or of itself in a list.
    pub place: Place,
    /// The value.
    pub value: T,
}

impl<T> At<T> {
    /// The same place with what `change` makes of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { place: self.place, value: change(self.value) }
    }
}

/// What leads to a value: the keys and indices from the root, linked from the innermost out, so that nothing is written down
/// before there is a problem to tell of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    /// What led there when the file was read.
    Written(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The whole document.
    pub(crate) const ROOT: Path<'static> = Path { above: None, step: Step::Root };

    /// What led to a value when the file was read.
    pub(crate) fn written(path: &'a str) -> Self {
        Path { above: None, step: Step::Written(path) }
    }

    /// The value under `key`.
    pub(crate) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { above: Some(self), step: Step::Key(key) }
    }

    /// A member of a list.
    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path { above: Some(self), step: Step::Index(index) }
    }
}

/// `endpoints[0].extra_config["auth/validator"].alg`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(formatter)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Written(path) => formatter.write_str(path),
            Step::Index(index) => write!(formatter, "[{index}]"),
            Step::Key(key) if is_word(key) => {
                let is_first = self.above.is_none_or(|above| matches!(above.step, Step::Root));
                write!(formatter, "{}{key}", if is_first { "" } else { "." })
            }
            Step::Key(key) => write!(formatter, "[{}]", quoted(key)),
        }
    }
}

/// Longer keys are quoted, and cut.
const LONGEST_WORD: usize = 64;

fn is_word(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= LONGEST_WORD
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '$' | '@'))
}
