//! The words of a filter.

use std::collections::VecDeque;
use std::fmt;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A field, a value without quotes, or one of `AND`, `OR`, `NOT`, `-`.
    Word(String),
    /// A value in quotes.
    Text(String),
    /// A parenthesis or an operator.
    Symbol(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(formatter, "{word}"),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Symbol(symbol) => write!(formatter, "{symbol}"),
        }
    }
}

const SYMBOLS: [&str; 9] = ["!=", "<=", ">=", "=", ":", "<", ">", "(", ")"];

/// All of them, in order.
#[derive(Debug)]
pub(super) struct Tokens(VecDeque<Token>);

impl Tokens {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (mut tokens, mut rest) = (VecDeque::new(), text.trim_start());
        while let Some(first) = rest.chars().next() {
            let (token, after) = if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                (Token::Symbol(symbol), &rest[symbol.len()..])
            } else if matches!(first, '"' | '\'') {
                let (value, after) = quoted(rest, first)?;
                (Token::Text(value), after)
            } else if let Some(after) = rest.strip_prefix('-') {
                (Token::Word("-".to_owned()), after)
            } else {
                word(rest)?
            };
            tokens.push_back(token);
            rest = after.trim_start();
        }
        Ok(Self(tokens))
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.0.front()
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.0.pop_front()
    }
}

/// A word up to what ends it. In backticks or quotes, after a dot, is the key of a map.
fn word(text: &str) -> Result<(Token, &str), String> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if matches!(next, '`' | '"') && word.ends_with('.') {
            let (key, after) = quoted(rest, next)?;
            word.push_str(&key);
            rest = after;
        } else if next.is_whitespace() || "=!:<>()\"'`".contains(next) {
            break;
        } else {
            word.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    if word.is_empty() { Err(format!("cannot understand {rest:?}")) } else { Ok((Token::Word(word), rest)) }
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            character if character == quote => return Ok((value, &text[at + character.len_utf8()..])),
            character => value.push(character),
        }
    }
    Err(format!("{quote} is not closed"))
}
