//! Values of earlier answers, as parameters of later calls.

use bytes::Bytes;

use crate::document::{Object, Value};

/// The value at a path, as text. Where the path breaks off, its last name is looked for in the last object that it led to.
pub(super) fn text_at(data: &Object, path: &[String]) -> Option<String> {
    let (last, parents) = path.split_last()?;
    let mut object = data.clone();
    for name in parents {
        match object.get(name.as_bytes()).and_then(Value::into_object) {
            Some(inner) => object = inner,
            None => break,
        }
    }
    object.get(last.as_bytes()).map(parameter)
}

/// A value as a parameter: texts as they are, arrays with commas, anything else as Go's `%v` prints it.
fn parameter(value: Value) -> String {
    let mut out = Vec::new();
    match value.open() {
        Value::Array(elements) => {
            for (at, element) in elements.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                print(element, &mut out);
            }
        }
        value => print(value, &mut out),
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn print(value: Value, out: &mut Vec<u8>) {
    match value.open() {
        Value::Null | Value::Slice(_) => out.extend_from_slice(b"<nil>"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(text) | Value::String(text) => out.extend_from_slice(&text),
        Value::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.into_iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                print(element, out);
            }
            out.push(b']');
        }
        Value::Object(object) => print_members(object.into_members(), out),
        Value::Record(members) => print_members(members, out),
    }
}

fn print_members(members: Vec<(Bytes, Value)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"map[");
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&name);
        out.push(b':');
        print(value, out);
    }
    out.push(b']');
}
