//! Tokens of VCL.

use super::source::{Read, refuse};
use super::syntax::{Literal, Operator};

/// A token, and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    Integer(i64),
    Text(Literal),
    Operator(Operator),
    And,
    Or,
    Not,
    Plus,
    Comma,
    Open,
    Close,
}

impl TokenKind {
    /// What it is called in messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Text(literal) => format!("{:?}", literal.text),
            Self::Operator(operator) => operator.text().to_owned(),
            Self::And => "&&".to_owned(),
            Self::Or => "||".to_owned(),
            Self::Not => "!".to_owned(),
            Self::Plus => "+".to_owned(),
            Self::Comma => ",".to_owned(),
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
        }
    }
}

/// All tokens of a statement.
pub(super) fn tokens(statement: &str) -> Read<Vec<Token>> {
    let mut lexer = Lexer { statement, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    statement: &'a str,
    at: usize,
}

/// Operators, the longer before those that they begin with. `None`: no operator, for the reason that stands beside it.
const OPERATORS: [(&str, Result<TokenKind, &str>); 20] = [
    ("==", Ok(TokenKind::Operator(Operator::Equal))),
    ("=~", Err("=~ is no operator of VCL: regular expressions are matched with ~")),
    ("=", Err("= is no comparison: equality is ==")),
    ("!=", Ok(TokenKind::Operator(Operator::NotEqual))),
    ("!~", Ok(TokenKind::Operator(Operator::MatchesNot))),
    ("!", Ok(TokenKind::Not)),
    ("~", Ok(TokenKind::Operator(Operator::Matches))),
    ("<=", Ok(TokenKind::Operator(Operator::LessOrEqual))),
    ("<", Ok(TokenKind::Operator(Operator::Less))),
    (">=", Ok(TokenKind::Operator(Operator::GreaterOrEqual))),
    (">", Ok(TokenKind::Operator(Operator::Greater))),
    ("&&", Ok(TokenKind::And)),
    ("&", Err("& is no operator: both must hold is &&")),
    ("||", Ok(TokenKind::Or)),
    ("|", Err("| is no operator: one must hold is ||")),
    ("+", Ok(TokenKind::Plus)),
    (",", Ok(TokenKind::Comma)),
    ("(", Ok(TokenKind::Open)),
    (")", Ok(TokenKind::Close)),
    (";", Err("a condition is one expression, without a semicolon")),
];

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.statement.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Read<Option<Token>> {
        self.skip_blank()?;
        let at = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let kind = match first {
            '"' => self.short_text()?,
            '{' => self.long_text()?,
            '0'..='9' | '-' => self.integer()?,
            'A'..='Z' | 'a'..='z' | '_' => {
                // Names of headers have hyphens, subfields a colon.
                let inside = |it: char| it.is_ascii_alphanumeric() || "_.-:".contains(it);
                let end = rest.find(|it| !inside(it)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default().to_owned();
                self.at += end;
                TokenKind::Name(name)
            }
            _ => {
                let Some((text, kind)) = OPERATORS.iter().find(|(text, _)| rest.starts_with(text)) else {
                    return refuse(at, format!("{first:?} means nothing here"));
                };
                self.at += text.len();
                kind.clone().or_else(|message| refuse(at, message))?
            }
        };
        Ok(Some(Token { kind, at }))
    }

    /// Passes over white space and comments.
    fn skip_blank(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skipped = if trimmed.len() < rest.len() {
                rest.len() - trimmed.len()
            } else if rest.starts_with('#') || rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => end + 2,
                    None => return refuse(self.at, "the comment does not end"),
                }
            } else {
                return Ok(());
            };
            self.at += skipped;
        }
    }

    fn integer(&mut self) -> Read<TokenKind> {
        let at = self.at;
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let sign = rest.len() - digits.len();
        let end = sign + digits.find(|it: char| !it.is_ascii_alphanumeric() && it != '.').unwrap_or(digits.len());
        let text = rest.get(..end).unwrap_or_default();
        let Ok(number) = text.parse() else {
            return refuse(at, format!("{text} is no whole number: fractions and times are not supported"));
        };
        self.at += end;
        Ok(TokenKind::Integer(number))
    }

    /// `"..."`: one line, in which `%xx` is a byte, and a backslash is itself.
    fn short_text(&mut self) -> Read<TokenKind> {
        let at = self.at;
        let contents = self.rest().get(1..).unwrap_or_default();
        let end = match contents.find(['"', '\n']) {
            Some(end) if contents.as_bytes().get(end) == Some(&b'"') => end,
            _ => return refuse(at, "the text has no closing quote on its line; text of several lines is {\"...\"}"),
        };
        let raw = contents.get(..end).unwrap_or_default();
        let literal = decoded(raw, at + 1)?;
        self.at += end + 2;
        Ok(TokenKind::Text(literal))
    }

    /// `{"..."}`, or `{xyz"..."xyz}`: any lines, as they are.
    fn long_text(&mut self) -> Read<TokenKind> {
        let at = self.at;
        let rest = self.rest();
        let inside = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let opened = rest.get(1..).and_then(|rest| rest.split_once('"'));
        let Some((mark, contents)) = opened.filter(|(mark, _)| mark.chars().all(inside)) else {
            return refuse(at, "a condition is one expression, without blocks");
        };
        let closing = format!("\"{mark}}}");
        let Some(end) = contents.find(&closing) else {
            return refuse(at, format!("the text has no closing {closing}"));
        };
        let start = 2 + mark.len();
        let text = contents.get(..end).unwrap_or_default().to_owned();
        let length = start + end + closing.len();
        self.at += length;
        Ok(TokenKind::Text(Literal { text, escapes: Vec::new(), at: at + start }))
    }
}

/// Decodes the `%xx` of a short text, whose contents begin at the byte `at`. A percent sign that no two hexadecimal digits
/// follow is itself.
fn decoded(raw: &str, at: usize) -> Read<Literal> {
    let bytes = raw.as_bytes();
    let mut text = Vec::with_capacity(bytes.len());
    let mut escapes = Vec::new();
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let pair = raw.get(index + 1..index + 3).filter(|pair| pair.bytes().all(|it| it.is_ascii_hexdigit()));
        match pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(0) => return refuse(at + index, "%00 would end the text"),
            Some(decoded) => {
                escapes.push((text.len(), 2));
                text.push(decoded);
                index += 3;
            }
            None => {
                text.push(*byte);
                index += 1;
            }
        }
    }
    match String::from_utf8(text) {
        Ok(text) => Ok(Literal { text, escapes, at }),
        Err(_) => refuse(at, "the %xx of the text make no UTF-8"),
    }
}
