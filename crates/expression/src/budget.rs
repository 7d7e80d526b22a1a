//! The limits of everything that is evaluated for one request.

use std::collections::HashMap;

use crate::{InvalidRegex, Regex};

/// Parts that the expressions of one budget may have together.
pub const MAX_PARTS: usize = 20_000;
/// How deep parts may be in each other.
pub const MAX_DEPTH: usize = 40;
/// Regular expressions that the expressions of one budget may have together; the same one twice counts once.
pub const MAX_REGEXES: usize = 1_000;

/// What is left of the limits.
#[derive(Debug, Default)]
pub struct Budget {
    parts: usize,
    regexes: HashMap<Box<str>, Regex>,
}

/// A limit is exceeded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Exceeded {
    /// Too many parts.
    #[error("the conditions and values have more than {MAX_PARTS} parts together")]
    Parts,
    /// Too deep.
    #[error("parts are nested more than {MAX_DEPTH} deep")]
    Depth,
    /// Too many regular expressions.
    #[error("there are more than {MAX_REGEXES} different regular expressions")]
    Regexes,
    /// One that is of no use, or too large.
    #[error(transparent)]
    Regex(#[from] InvalidRegex),
}

impl Budget {
    /// Takes one part, which `depth` others hold.
    ///
    /// # Errors
    /// When that is too deep, or there are too many.
    pub fn part(&mut self, depth: usize) -> Result<(), Exceeded> {
        if depth >= MAX_DEPTH {
            return Err(Exceeded::Depth);
        }
        self.parts += 1;
        if self.parts > MAX_PARTS { Err(Exceeded::Parts) } else { Ok(()) }
    }

    /// Takes a regular expression.
    ///
    /// # Errors
    /// When it is none, or too large, or there are too many.
    pub fn regex(&mut self, pattern: &str) -> Result<Regex, Exceeded> {
        if let Some(known) = self.regexes.get(pattern) {
            return Ok(known.clone());
        }
        if self.regexes.len() >= MAX_REGEXES {
            return Err(Exceeded::Regexes);
        }
        let regex = Regex::new(pattern)?;
        self.regexes.insert(pattern.into(), regex.clone());
        Ok(regex)
    }
}
