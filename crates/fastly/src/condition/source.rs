//! Positions in a statement.

use super::fault::{Fault, Position};

/// What is wrong at a byte of the statement, before it is known which line that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) at: usize,
}

/// What a step makes, or what is wrong.
pub(super) type Read<T> = Result<T, Problem>;

/// Refuses what begins at the byte `at`.
pub(super) fn refuse<T>(at: usize, message: impl Into<String>) -> Read<T> {
    Err(Problem { message: message.into(), at })
}

impl Problem {
    /// With the line and the column that the byte is in.
    pub(super) fn within(self, statement: &str) -> Fault {
        let before = statement.get(..self.at).unwrap_or(statement);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Fault { message: self.message, position: Position { line, column } }
    }
}
