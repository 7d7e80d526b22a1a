//! Regular expressions and replacements.

use bytes::Bytes;
use regex::bytes::{Captures, RegexBuilder};

use crate::Value;
use crate::text::MAX_TEXT;

/// Longest regular expression, in bytes.
pub const MAX_PATTERN: usize = 8 << 10;
/// Largest compiled form of one, in bytes.
const SIZE_LIMIT: usize = 256 << 10;
/// Largest cache that each thread keeps for one, in bytes: beyond it, matching is slower, and linear still.
const CACHE_LIMIT: usize = 256 << 10;

/// A regular expression in the syntax of the regex crate, on bytes: `.` is a byte, classes such as `\w` are of ASCII, unless
/// `(?u)` asks for characters. Matching takes time that is linear in the subject.
#[derive(Clone, Debug)]
pub struct Regex {
    compiled: regex::bytes::Regex,
    literal: Option<Literal>,
}

/// A regular expression that is as good as plain text, which most are: it is compared, at a fraction of the cost.
#[derive(Clone, Debug)]
enum Literal {
    /// `^text`
    Prefix(Beginning),
    /// `text$`
    Suffix(Box<[u8]>),
    /// `^text$`
    Whole(Box<[u8]>),
}

/// A regular expression is of no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidRegex {
    /// It is too long.
    #[error("a regular expression must not be longer than {MAX_PATTERN} bytes")]
    Long,
    /// Its syntax is wrong, or its compiled form too large.
    #[error("not a usable regular expression: {0}")]
    Pattern(#[from] regex::Error),
}

impl Regex {
    /// Compiles `pattern`, which is not anchored.
    ///
    /// # Errors
    /// When it is not in the syntax, or too large.
    pub fn new(pattern: &str) -> Result<Self, InvalidRegex> {
        if pattern.len() > MAX_PATTERN {
            return Err(InvalidRegex::Long);
        }
        let mut builder = RegexBuilder::new(pattern);
        builder.unicode(false).size_limit(SIZE_LIMIT).dfa_size_limit(CACHE_LIMIT);
        Ok(Self { compiled: builder.build()?, literal: Literal::of(pattern) })
    }

    /// Whether it matches somewhere in `subject`.
    #[must_use]
    #[inline]
    pub fn is_match(&self, subject: &[u8]) -> bool {
        match &self.literal {
            Some(Literal::Prefix(text)) => text.begins(subject),
            Some(Literal::Suffix(text)) => subject.ends_with(text),
            Some(Literal::Whole(text)) => subject == &**text,
            None => self.compiled.is_match(subject),
        }
    }

    /// How it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.compiled.as_str()
    }
}

/// A text that another begins with, and its first bytes as a number: most that do not differ there, and need no call to be told
/// apart.
#[derive(Clone, Debug)]
struct Beginning {
    text: Box<[u8]>,
    /// The bytes of `first` that are the text's.
    mask: u64,
    first: u64,
}

impl Beginning {
    fn new(text: Box<[u8]>) -> Self {
        let (mut mask, mut first) = ([0; 8], [0; 8]);
        for ((mask, first), byte) in mask.iter_mut().zip(&mut first).zip(&text) {
            (*mask, *first) = (u8::MAX, *byte);
        }
        Self { text, mask: u64::from_le_bytes(mask), first: u64::from_le_bytes(first) }
    }

    #[inline]
    fn begins(&self, subject: &[u8]) -> bool {
        match subject.first_chunk() {
            Some(bytes) if u64::from_le_bytes(*bytes) & self.mask != self.first => false,
            _ => subject.starts_with(&self.text),
        }
    }
}

impl Literal {
    /// What `pattern` is as good as, if it is: text without any other mark than escaped punctuation, anchored.
    fn of(pattern: &str) -> Option<Self> {
        let (begins, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let (ends, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        let mut text = Vec::with_capacity(rest.len());
        let mut bytes = rest.bytes();
        while let Some(byte) = bytes.next() {
            text.push(match byte {
                b'\\' => bytes.next().filter(u8::is_ascii_punctuation).filter(|byte| !matches!(byte, b'<' | b'>'))?,
                b'.' | b'^' | b'$' | b'*' | b'+' | b'?' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' => {
                    return None;
                }
                other => other,
            });
        }
        match (begins, ends) {
            (true, true) => Some(Self::Whole(text.into())),
            (true, false) => Some(Self::Prefix(Beginning::new(text.into()))),
            (false, true) => Some(Self::Suffix(text.into())),
            // The engine searches for it as well as can be.
            (false, false) => None,
        }
    }
}

/// What takes the place of what a regular expression matches.
#[derive(Clone, Debug)]
pub struct Replacement {
    regex: Regex,
    pieces: Box<[Piece]>,
    all: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Bytes),
    Group(usize),
}

/// A replacement is of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidReplacement {
    /// It names a group that the regular expression does not have.
    #[error("the replacement names group \\{0}, which the regular expression does not have")]
    Group(u8),
    /// It ends in the middle of something.
    #[error("the replacement ends with a lone \"\\\"")]
    Ends,
}

impl Replacement {
    /// Replaces the first match of `regex` by `text`, in which `\0` stands for what has matched, `\1` to `\9` for what a group of it
    /// has, and `\` before anything else for that.
    ///
    /// # Errors
    /// When `text` names a group that there is not, or ends with a `\`.
    pub fn first(regex: Regex, text: &[u8]) -> Result<Self, InvalidReplacement> {
        Ok(Self { pieces: pieces(&regex, text)?, regex, all: false })
    }

    /// Likewise, all matches, which do not overlap.
    ///
    /// # Errors
    /// As [`Self::first`].
    pub fn every(regex: Regex, text: &[u8]) -> Result<Self, InvalidReplacement> {
        Ok(Self { all: true, ..Self::first(regex, text)? })
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> (&Regex, bool) {
        (&self.regex, self.all)
    }

    /// `subject` with the replacements; absent if that would be too long.
    pub(crate) fn apply<'r>(&self, subject: Value<'r>) -> Option<Value<'r>> {
        if !self.regex.is_match(&subject) {
            return Some(subject);
        }
        let mut made = Vec::with_capacity(subject.len());
        let mut end = 0;
        for found in self.regex.compiled.captures_iter(&subject).take(if self.all { usize::MAX } else { 1 }) {
            let Some(whole) = found.get(0) else { continue };
            made.extend_from_slice(&subject[end..whole.start()]);
            self.pieces.iter().for_each(|piece| made.extend_from_slice(piece.text(&found)));
            end = whole.end();
            if made.len() > MAX_TEXT {
                return None;
            }
        }
        made.extend_from_slice(&subject[end..]);
        (made.len() <= MAX_TEXT).then(|| made.into())
    }
}

impl Piece {
    fn text<'a>(&'a self, found: &'a Captures<'_>) -> &'a [u8] {
        match self {
            Self::Literal(text) => text,
            Self::Group(group) => found.get(*group).map_or(b"", |group| group.as_bytes()),
        }
    }
}

fn pieces(regex: &Regex, text: &[u8]) -> Result<Box<[Piece]>, InvalidReplacement> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            literal.push(*byte);
            continue;
        }
        match bytes.next() {
            None => return Err(InvalidReplacement::Ends),
            Some(digit) if digit.is_ascii_digit() => {
                let group = digit - b'0';
                if usize::from(group) >= regex.compiled.captures_len() {
                    return Err(InvalidReplacement::Group(group));
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
                }
                pieces.push(Piece::Group(group.into()));
            }
            Some(other) => literal.push(*other),
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.into()));
    }
    Ok(pieces.into())
}
