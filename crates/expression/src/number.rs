//! Whole numbers.

use crate::{Request, Text};

/// A whole number.
#[derive(Clone, Debug)]
pub enum Number {
    /// This one.
    Literal(i64),
    /// The length of a text in bytes; 0 of one that is absent.
    Length(Text),
    /// The number that a text spells in decimal, with a sign or without; 0 for what spells none, or one beyond 64 bits.
    Parsed(Text),
}

impl Number {
    /// The number, for `request`.
    pub fn of(&self, request: &(impl Request + ?Sized)) -> i64 {
        match self {
            Self::Literal(number) => *number,
            Self::Length(text) => text.of(request).map_or(0, |text| i64::try_from(text.len()).unwrap_or(i64::MAX)),
            Self::Parsed(text) => text.of(request).and_then(|text| parse(&text)).unwrap_or(0),
        }
    }
}

fn parse(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
