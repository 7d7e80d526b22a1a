//! What is wrong with a statement, and where.

use std::fmt;

/// A place in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\nat: ({position})")]
pub struct Fault {
    /// A sentence without its full stop.
    pub message: String,
    /// Where it begins to be wrong.
    pub position: Position,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "input Line {} Pos {}", self.line, self.column)
    }
}
