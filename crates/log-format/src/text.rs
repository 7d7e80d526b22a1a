//! A format string, as a list of pieces.

use crate::arguments::operator;
use crate::{Operator, escape};

/// The longest format string, in bytes.
pub const MAX_FORMAT: usize = 4096;

/// What a line is made of: texts, and operators that stand for something of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Box<str>),
    /// At most so many bytes of what the operator stands for.
    Operator(Operator, Option<usize>),
}

/// Why a format string cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is longer than [`MAX_FORMAT`].
    #[error("must have at most {MAX_FORMAT} bytes")]
    TooLong,
    /// It has lines of its own.
    #[error("must be one line: what follows byte {0} would be another")]
    Break(usize),
    /// A percent sign that no other follows.
    #[error("the operator that begins at byte {0} does not end; a percent sign of its own is written %%")]
    Open(usize),
    /// There is no such operator.
    #[error("there is no operator {0:?}; there are {known}", known = Operator::list())]
    Unknown(String),
    /// It has an argument, and takes none.
    #[error("the operator {0} takes nothing in brackets")]
    Argument(String),
    /// It has no argument, and needs one.
    #[error("the operator {0} needs the name of a header in brackets")]
    Unnamed(String),
    /// No header is called so.
    #[error("{0:?} is not the name of a header")]
    Header(String),
    /// No time can be written so.
    #[error("the time format {0:?} is not understood: {1}")]
    Time(String, String),
    /// The length behind it is none.
    #[error("{0:?} is not a length; it is a number of bytes from 1 to 65535")]
    Length(String),
}

impl Text {
    /// Reads a format string: text, `%%` for a percent sign, and `%NAME%`, `%NAME(ARGUMENT)%`, `%NAME(ARGUMENT):LENGTH%`. A line feed at its end
    /// is none of it.
    ///
    /// # Errors
    /// The first thing in it that cannot be honoured.
    pub fn parse(format: &str) -> Result<Self, FormatError> {
        if format.len() > MAX_FORMAT {
            return Err(FormatError::TooLong);
        }
        // Lines end by themselves; Envoy's formats say so.
        let format = format.strip_suffix('\n').unwrap_or(format);
        if let Some(at) = format.find(['\n', '\r']) {
            return Err(FormatError::Break(at));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once('%') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                literal.push('%');
                rest = after;
                continue;
            }
            let open = || FormatError::Open(format.len() - after.len() - 1);
            let name_length = after.find(['%', '(', ':']).ok_or_else(open)?;
            let (name, mut tail) = after.split_at(name_length);
            let mut argument = None;
            if let Some(inner) = tail.strip_prefix('(') {
                let (inside, behind) = inner.split_once(')').ok_or_else(open)?;
                (argument, tail) = (Some(inside), behind);
            }
            let (length, behind) = tail.split_once('%').ok_or_else(open)?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            pieces.push(Piece::Operator(operator(name, argument)?, limit(length)?));
            rest = behind;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        Ok(Self(pieces))
    }

    /// The operators in it.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Operator(operator, _) => Some(operator),
            Piece::Literal(_) => None,
        })
    }

    /// The only operator, where there is nothing else.
    #[must_use]
    pub fn alone(&self) -> Option<&Operator> {
        match self.0.as_slice() {
            [Piece::Operator(operator, None)] => Some(operator),
            _ => None,
        }
    }

    /// Writes it, without an end of its line, with the values that `look` gives. `look` appends one and says whether there is any; where there is none, a hyphen
    /// stands for it. Values are [escaped](escape), the texts between them are not.
    pub fn write(&self, out: &mut Vec<u8>, mut look: impl FnMut(&Operator, &mut Vec<u8>) -> bool) {
        let mut value = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Operator(operator, limit) => {
                    value.clear();
                    if !look(operator, &mut value) {
                        out.push(b'-');
                        continue;
                    }
                    value.truncate(limit.unwrap_or(usize::MAX));
                    escape(&value, out);
                }
            }
        }
    }
}

/// What stands behind an operator: nothing, or a colon and a number of bytes.
fn limit(text: &str) -> Result<Option<usize>, FormatError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.strip_prefix(':').and_then(|number| number.parse::<u16>().ok()).filter(|number| *number > 0);
    number.map(|number| Some(usize::from(number))).ok_or_else(|| FormatError::Length(text.to_owned()))
}

#[cfg(test)]
mod tests;
