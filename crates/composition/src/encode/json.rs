//! JSON.

use bytes::Bytes;

use crate::document::{Object, Parts, Value};
use crate::text;

/// A value as JSON.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(size(value) + 16);
    write(value, &mut out);
    out
}

/// About how long a value will be, so that the buffer does not have to grow often.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(text) | Value::String(text) => text.len() + 2,
        Value::Array(elements) => elements.iter().map(|element| size(element) + 1).sum(),
        Value::Object(object) => match object.parts() {
            Parts::Slice(slice) => slice.size_hint(),
            Parts::Members(members) => size_of_members(members),
        },
        Value::Record(members) => size_of_members(members),
        Value::Slice(slice) => slice.size_hint(),
    }
}

fn size_of_members(members: &[(Bytes, Value)]) -> usize {
    members.iter().map(|(name, value)| name.len() + size(value) + 4).sum()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(literal) => out.extend_from_slice(literal),
        Value::String(text) => text::write_string(out, text),
        Value::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        Value::Object(object) => write_object(object, out),
        Value::Record(members) => write_members(members, out),
        Value::Slice(slice) => slice.write(out),
    }
}

fn write_object(object: &Object, out: &mut Vec<u8>) {
    match object.parts() {
        Parts::Slice(slice) => slice.write(out),
        Parts::Members(members) => write_members(members, out),
    }
}

fn write_members(members: &[(Bytes, Value)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text::write_string(out, name);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}
