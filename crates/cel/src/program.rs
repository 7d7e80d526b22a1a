//! Expressions, compiled.

use crate::evaluate::{Steps, Stop, evaluate};
use crate::tree::Expr;
use crate::types::Type;
use crate::value::Value;
use crate::{check, parser};

/// An expression, compiled.
#[derive(Clone, Debug)]
pub struct Program {
    expr: Expr,
    kind: Type,
}

/// A variable that expressions may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
}

/// Why an expression was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ProgramError {
    /// Where in its text, in bytes.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
}

impl ProgramError {
    pub(crate) fn syntax(at: usize, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into() }
    }
}

impl Program {
    /// How long an expression may be, in bytes.
    pub const MAX_BYTES: usize = 16 << 10;

    /// How deep an expression may be nested. What stands in a row counts as nested, but for terms of `&&` and `||`.
    pub const MAX_DEPTH: u32 = 96;

    /// How many lists may be gone through within one another.
    pub const MAX_FOLDS: u32 = 4;

    /// How many literal patterns an expression may have.
    pub const MAX_PATTERNS: usize = 32;

    /// How much one pattern may take when it is compiled, in bytes.
    pub const MAX_PATTERN_BYTES: usize = 128 << 10;

    /// Compiles an expression that may name what is declared.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn new(text: &str, declarations: &[Declaration]) -> Result<Self, ProgramError> {
        let mut expr = parser::parse(text)?;
        let kind = check::check(&mut expr, declarations)?;
        Ok(Self { expr, kind })
    }

    /// The type of what it gives.
    pub fn kind(&self) -> &Type {
        &self.kind
    }

    /// Evaluates it. `find` gives the value of a variable; of one that it does not have an evaluation fails.
    ///
    /// # Errors
    /// Why there is no value.
    pub fn evaluate(&self, find: &dyn Fn(&str) -> Option<Value>, steps: &mut Steps) -> Result<Value, Stop> {
        evaluate(&self.expr, find, steps)
    }
}

#[cfg(test)]
mod tests;
