//! YAML, in blocks, with texts quoted wherever a reader could take them for anything else. Number literals are texts as well, as the
//! gateways that this engine stands in for have it: no reader makes another number of them.

use bytes::Bytes;

use crate::document::{Object, Value};
use crate::text;

/// How far what is nested is set in.
const STEP: usize = 2;

pub(super) fn encode(data: Option<Object>) -> Vec<u8> {
    let mut out = Vec::new();
    match data {
        Some(object) if !object.is_empty() => members(object.into_members(), 0, false, &mut out),
        _ => out.extend_from_slice(b"{}\n"),
    }
    out
}

fn indent(by: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + by, b' ');
}

/// Members, one a line. The first one stands where the line is already if `inline`.
fn members(members: Vec<(Bytes, Value)>, by: usize, inline: bool, out: &mut Vec<u8>) {
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 || !inline {
            indent(by, out);
        }
        scalar_text(&name, out);
        out.push(b':');
        match value.open() {
            Value::Object(object) if !object.is_empty() => {
                out.push(b'\n');
                self::members(object.into_members(), by + STEP, false, out);
            }
            Value::Record(record) if !record.is_empty() => {
                out.push(b'\n');
                self::members(record, by + STEP, false, out);
            }
            Value::Array(elements) if !elements.is_empty() => {
                out.push(b'\n');
                self::elements(elements, by, false, out);
            }
            value => {
                out.push(b' ');
                scalar(value, out);
            }
        }
    }
}

fn elements(elements: Vec<Value>, by: usize, inline: bool, out: &mut Vec<u8>) {
    for (at, value) in elements.into_iter().enumerate() {
        if at > 0 || !inline {
            indent(by, out);
        }
        out.extend_from_slice(b"- ");
        match value.open() {
            Value::Object(object) if !object.is_empty() => members(object.into_members(), by + STEP, true, out),
            Value::Record(record) if !record.is_empty() => members(record, by + STEP, true, out),
            Value::Array(nested) if !nested.is_empty() => self::elements(nested, by + STEP, true, out),
            value => scalar(value, out),
        }
    }
}

fn scalar(value: Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(literal) => text::write_string(out, &literal),
        Value::String(text) => scalar_text(&text, out),
        Value::Array(_) => out.extend_from_slice(b"[]"),
        Value::Object(_) | Value::Record(_) => out.extend_from_slice(b"{}"),
        Value::Null | Value::Slice(_) => out.extend_from_slice(b"null"),
    }
    out.push(b'\n');
}

/// A text: plain if it can only be a text, else in double quotes, as JSON writes it, which is YAML.
fn scalar_text(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        text::write_string(out, text);
    }
}

/// Whether a text without quotes is that text to every reader of YAML, of version 1.1 as of 1.2. What starts as a number or a date
/// does is not, whatever it goes on with.
fn is_plain(text: &[u8]) -> bool {
    const TAKEN: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];
    let Some(&first) = text.first() else { return false };
    let starts = first.is_ascii_alphabetic() || first >= 0x80 || matches!(first, b'<' | b'(' | b'/' | b'_' | b'$');
    let inner = |byte: &u8| *byte >= 0x20 && !matches!(byte, b'#' | b'\\' | b'"' | 0x7F);
    starts
        && text.iter().all(inner)
        && !text.ends_with(b" ")
        && !text.ends_with(b":")
        && memchr::memmem::find(text, b": ").is_none()
        && std::str::from_utf8(text).is_ok_and(|text| !text.contains(char::is_control) && !text.contains(separates))
        && !TAKEN.iter().any(|taken| taken.as_bytes().eq_ignore_ascii_case(text))
}

/// Characters that some readers end a line at, or take for a byte order mark.
fn separates(character: char) -> bool {
    matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}
