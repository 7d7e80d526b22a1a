//! Characters of XML: which they are, and what stands for them.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::error::DecodeError;

/// The text of a document: by its byte order mark, else by the encoding that its declaration names, else UTF-8.
pub(super) fn charset(body: &[u8], limit: usize) -> Result<Cow<'_, str>, DecodeError> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((encoding, mark)) => (encoding, body.get(mark..).unwrap_or_default()),
        None => (declared(body)?, body),
    };
    if encoding == UTF_8 {
        return match std::str::from_utf8(body) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(DecodeError::Syntax("XML syntax error: invalid UTF-8".into())),
        };
    }
    let (text, _) = encoding.decode_without_bom_handling(body);
    // A byte may become three.
    if text.len() > limit {
        return Err(DecodeError::TooLong { limit });
    }
    Ok(text)
}

/// The encoding that the XML declaration names.
fn declared(body: &[u8]) -> Result<&'static Encoding, DecodeError> {
    let Some(declaration) = body.strip_prefix(b"<?xml") else { return Ok(UTF_8) };
    let end = memchr::memchr(b'>', declaration).unwrap_or(declaration.len());
    let declaration = declaration.get(..end).unwrap_or_default();
    let Some(at) = memchr::memmem::find(declaration, b"encoding") else { return Ok(UTF_8) };
    let value = declaration.get(at + 8..).unwrap_or_default().trim_ascii_start();
    let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
    let Some((quote @ (b'"' | b'\''), value)) = value.split_first() else { return Ok(UTF_8) };
    let label = value.split(|byte| byte == quote).next().unwrap_or_default();
    // A document whose declaration can be read is no UTF-16, whatever it says.
    match Encoding::for_label(label) {
        Some(encoding) => Ok(if encoding.is_ascii_compatible() { encoding } else { UTF_8 }),
        None => {
            let label = String::from_utf8_lossy(label);
            Err(DecodeError::Syntax(format!("xml: encoding {label:?} is not known").into()))
        }
    }
}

/// What a reference stands for: one of the five names of XML, or a number. Documents cannot define others: entities that refer to
/// entities are how a small document becomes a large one.
pub(super) fn reference(name: &str) -> Result<String, String> {
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => name.strip_prefix('#').and_then(numbered),
    };
    character.map(String::from).ok_or_else(|| format!("invalid character entity &{name};"))
}

fn numbered(digits: &str) -> Option<char> {
    let number = match digits.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(number)
}

/// A text without the blanks around it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(['\t', '\r', '\u{8}', '\n', ' '])
}
