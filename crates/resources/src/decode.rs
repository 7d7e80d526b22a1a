//! From bytes to JSON values, whatever the bytes are.
//!
//! Neither decoder trusts its input: nesting, the work that YAML aliases cause and the number of reported duplicates are
//! all bounded.

mod json;
mod lines;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

pub use self::json::json;
pub use self::lines::{Lines, Place};
pub use self::yaml::{documents, yaml};
use crate::field::Surplus;

/// How deeply JSON may be nested: serde_json's own limit.
pub const MAX_JSON_DEPTH: usize = 128;

/// How deeply YAML may be nested. Less than for JSON, since a level takes more of the stack.
pub const MAX_YAML_DEPTH: usize = 32;

/// How many duplicate or unknown fields are reported at most, as in Kubernetes.
pub const MAX_SURPLUS: usize = 100;

/// What was read. Debug output leaves the value out, which may be a Secret.
#[derive(Clone, PartialEq)]
pub struct Decoded {
    /// The value. Of a field that is written twice the last value counts.
    pub value: Value,
    /// The fields that are written twice, [`MAX_SURPLUS`] at most.
    pub duplicates: Vec<Surplus>,
}

/// One document of a file. Debug output leaves the value out, which may be a Secret.
#[derive(Clone)]
pub struct Document {
    /// The value. Of a field that is written twice the last value counts.
    pub value: Value,
    /// The fields that are written twice, [`MAX_SURPLUS`] at most.
    pub duplicates: Vec<Surplus>,
    /// Where each field is written.
    pub lines: Lines,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Decoded").field("duplicates", &self.duplicates).finish_non_exhaustive()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Document").field("start", &self.lines.start()).finish_non_exhaustive()
    }
}

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not UTF-8.
    #[error("byte {0} is not part of valid UTF-8 text")]
    NotText(usize),
    /// Not JSON.
    #[error("not valid JSON at line {line}, column {column}: {problem}")]
    Json {
        /// Counted from 1.
        line: u64,
        /// Counted from 1.
        column: u64,
        /// What is wrong.
        problem: String,
    },
    /// Not YAML, or beyond a limit.
    #[error("not valid YAML at line {line}: {problem}")]
    Yaml {
        /// Counted from 1; 0 when it cannot be told.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Nothing but comments.
    #[error("there is no document: the input is empty or has nothing but comments")]
    Empty,
    /// Several documents where one is expected.
    #[error("there are {0} documents where one is expected")]
    Several(usize),
}

impl DecodeError {
    /// The line at fault, counted from 1; 0 when it cannot be told.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            DecodeError::Json { line, .. } | DecodeError::Yaml { line, .. } => *line,
            DecodeError::NotText(_) | DecodeError::Empty | DecodeError::Several(_) => 0,
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|error| DecodeError::NotText(error.valid_up_to()))
}
