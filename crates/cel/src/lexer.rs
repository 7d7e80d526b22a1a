//! A text to tokens.

use crate::program::ProgramError;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Name(String),
    Int(String),
    Uint(String),
    Double(String),
    String(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket.
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 25] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*",
    "/", "%", "=",
];

/// All tokens of a text, each with its position.
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ProgramError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.bytes().next() else {
            tokens.push((at, Token::End));
            return Ok(tokens);
        };
        if matches!(first, b' ' | b'\t' | b'\r' | b'\n' | 0xC) {
            at += 1;
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = token(rest).ok_or_else(|| ProgramError::syntax(at, "there is no such token"))?;
        tokens.push((at, token));
        at += length;
    }
}

fn token(rest: &str) -> Option<(Token, usize)> {
    let first = rest.bytes().next()?;
    let after_point = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    if first.is_ascii_digit() || first == b'.' && after_point {
        return Some(number(rest));
    }
    let prefix = rest.bytes().take(2).take_while(|byte| matches!(byte, b'r' | b'R' | b'b' | b'B')).count();
    if rest.get(prefix..).is_some_and(|quoted| quoted.starts_with(['"', '\''])) {
        return quoted(rest, prefix);
    }
    if first.is_ascii_alphabetic() || first == b'_' {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        return Some((Token::Name(rest.get(..length)?.to_owned()), length));
    }
    let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol) && *symbol != "=")?;
    Some((Token::Symbol(symbol), symbol.len()))
}

fn number(rest: &str) -> (Token, usize) {
    let count = |from: usize, is: fn(&u8) -> bool| rest.bytes().skip(from).take_while(is).count();
    let at = |index: usize| rest.as_bytes().get(index).copied();
    let text = |end: usize| rest.get(..end).unwrap_or_default().to_owned();
    let hex = if rest.starts_with("0x") { count(2, u8::is_ascii_hexdigit) } else { 0 };
    let mut end = if hex > 0 { 2 + hex } else { count(0, u8::is_ascii_digit) };
    let mut is_double = false;
    if hex == 0 {
        let fraction = if at(end) == Some(b'.') { count(end + 1, u8::is_ascii_digit) } else { 0 };
        if fraction > 0 {
            (is_double, end) = (true, end + 1 + fraction);
        }
        if let Some(b'e' | b'E') = at(end) {
            let sign = usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
            let exponent = count(end + 1 + sign, u8::is_ascii_digit);
            if exponent > 0 {
                (is_double, end) = (true, end + 1 + sign + exponent);
            }
        }
    }
    match at(end) {
        _ if is_double => (Token::Double(text(end)), end),
        Some(b'u' | b'U') => (Token::Uint(text(end)), end + 1),
        _ => (Token::Int(text(end)), end),
    }
}

/// A text in quotes, after as many letters as `prefix` that say how it is read.
fn quoted(rest: &str, prefix: usize) -> Option<(Token, usize)> {
    let letters = rest.get(..prefix)?.to_ascii_lowercase();
    let (is_raw, is_bytes) = (letters.contains('r'), letters.contains('b'));
    if letters == "rr" || letters == "bb" || letters == "rb" {
        return None;
    }
    let body = rest.get(prefix..)?;
    let triple = ["\"\"\"", "'''"].into_iter().find(|mark| body.starts_with(mark));
    let mark = triple.or_else(|| body.get(..1))?;
    let start = prefix + mark.len();
    let inside = rest.get(start..)?;
    let mut end = None;
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        if inside.get(at..)?.starts_with(mark) {
            end = Some(at);
            break;
        }
        match letter {
            '\n' | '\r' if triple.is_none() => return None,
            '\\' if !is_raw => {
                letters.next()?;
            }
            _ => {}
        }
    }
    let end = end?;
    let text = inside.get(..end)?;
    let length = start + end + mark.len();
    let read = if is_raw { text.as_bytes().to_vec() } else { unescaped(text, is_bytes)? };
    let token = if is_bytes { Token::Bytes(read) } else { Token::String(String::from_utf8(read).ok()?) };
    Some((token, length))
}

fn unescaped(text: &str, is_bytes: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..)?;
        if letter != '\\' {
            push(&mut out, letter);
            continue;
        }
        let escape = rest.chars().next()?;
        rest = rest.get(escape.len_utf8()..)?;
        let digits = match escape {
            'a' => Err('\u{7}'),
            'b' => Err('\u{8}'),
            'f' => Err('\u{c}'),
            'n' => Err('\n'),
            'r' => Err('\r'),
            't' => Err('\t'),
            'v' => Err('\u{b}'),
            '\\' | '\'' | '"' | '`' | '?' => Err(escape),
            'x' | 'X' => Ok((2, 16)),
            'u' if !is_bytes => Ok((4, 16)),
            'U' if !is_bytes => Ok((8, 16)),
            '0'..='3' => {
                rest = text.get(text.len() - rest.len() - 1..)?;
                Ok((3, 8))
            }
            _ => return None,
        };
        match digits {
            Err(letter) => push(&mut out, letter),
            Ok((count, radix)) => {
                let digits = rest.get(..count).filter(|digits| digits.chars().all(|digit| digit.is_digit(radix)))?;
                let code = u32::from_str_radix(digits, radix).ok()?;
                rest = rest.get(count..)?;
                match u8::try_from(code) {
                    Ok(byte) if is_bytes => out.push(byte),
                    _ => push(&mut out, char::from_u32(code)?),
                }
            }
        }
    }
    Some(out)
}

fn push(out: &mut Vec<u8>, letter: char) {
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}
