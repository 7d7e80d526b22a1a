//! YAML, in blocks. What is quoted, and how, is as `goccy/go-yaml` 1.19 has it, which the gateways that this engine stands in for write
//! with: number literals are texts, and quoted where those would be.

mod quoting;

use bytes::Bytes;

use crate::document::{Object, Value};

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
        name_text(&name, out);
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
                scalar(value, by, Blank::SetIn, out);
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
            value => scalar(value, by, Blank::Bare, out),
        }
    }
}

/// What stands before a line of a text that has nothing in it.
#[derive(Clone, Copy, PartialEq)]
enum Blank {
    /// As much as before others, unless it is the last: in a member.
    SetIn,
    /// Nothing: in an element.
    Bare,
}

/// A scalar in what stands at `by`.
fn scalar(value: Value, by: usize, blank: Blank, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(text) | Value::String(text) => text_within(&text, by + STEP, blank, out),
        Value::Array(_) => out.extend_from_slice(b"[]"),
        Value::Object(_) | Value::Record(_) => out.extend_from_slice(b"{}"),
        Value::Null | Value::Slice(_) => out.extend_from_slice(b"null"),
    }
    out.push(b'\n');
}

/// The name of a member, on one line.
fn name_text(text: &[u8], out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(text);
    if text.contains('\n') || quoting::is_needed(&text) {
        quoting::write(&text, out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// A text: plain where that is usual, else in double quotes; of several lines, as a block that is set in by `by`.
fn text_within(text: &[u8], by: usize, blank: Blank, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(text);
    if quoting::is_needed(&text) {
        return quoting::write(&text, out);
    }
    if !text.contains('\n') {
        return out.extend_from_slice(text.as_bytes());
    }
    // Line feeds at the end: none, one, or all of them are kept.
    let (mark, lines) = match text.strip_suffix('\n') {
        None => ("|-", &*text),
        Some(lines) if lines.ends_with('\n') => ("|+", lines),
        Some(lines) => ("|", lines),
    };
    out.extend_from_slice(mark.as_bytes());
    let mut lines = lines.split('\n').peekable();
    while let Some(line) = lines.next() {
        out.push(b'\n');
        if !line.is_empty() || (blank == Blank::SetIn && lines.peek().is_some()) {
            indent(by, out);
        }
        out.extend_from_slice(line.as_bytes());
    }
}
