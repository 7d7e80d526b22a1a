//! Any of the three types, and how one is taken for another.

use std::fmt;

use crate::{Number, Text, Truth};

/// An expression of any type.
#[derive(Clone, Debug)]
pub enum Expression {
    /// Something that holds or does not.
    Truth(Truth),
    /// A whole number.
    Number(Number),
    /// A text.
    Text(Text),
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Type {
    /// Something that holds or does not.
    Truth,
    /// A whole number.
    Number,
    /// A text.
    Text,
}

/// An expression has another type than it must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be a {expected}, and is a {found}")]
pub struct WrongType {
    /// What it must be.
    pub expected: Type,
    /// What it is.
    pub found: Type,
}

impl Expression {
    /// What it is.
    #[must_use]
    pub const fn of_type(&self) -> Type {
        match self {
            Self::Truth(_) => Type::Truth,
            Self::Number(_) => Type::Number,
            Self::Text(_) => Type::Text,
        }
    }

    /// As a truth, which all of them can be: a text holds when it is there, a number when it is not 0.
    #[must_use]
    pub fn into_truth(self) -> Truth {
        match self {
            Self::Truth(truth) => truth,
            Self::Number(number) => Truth::NonZero(number),
            Self::Text(text) => Truth::Present(text),
        }
    }

    /// As a text: a number is written in decimal.
    ///
    /// # Errors
    /// When it is a truth.
    pub fn into_text(self) -> Result<Text, WrongType> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(number) => Ok(Text::Decimal(Box::new(number))),
            Self::Truth(_) => Err(WrongType { expected: Type::Text, found: Type::Truth }),
        }
    }

    /// As a number.
    ///
    /// # Errors
    /// When it is none: what a text spells has to be asked for.
    pub fn into_number(self) -> Result<Number, WrongType> {
        match self {
            Self::Number(number) => Ok(number),
            other => Err(WrongType { expected: Type::Number, found: other.of_type() }),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truth => "boolean",
            Self::Number => "whole number",
            Self::Text => "text",
        })
    }
}
