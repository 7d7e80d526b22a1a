//! XML, out of objects: the reverse of how it is decoded.

use bytes::Bytes;

use crate::document::{Object, Value};

/// What cannot be written as XML: an attribute that is no scalar, and a text with elements beside it, which no document is decoded to.
struct Unwritable;

/// The data as a document; nothing if it cannot be written.
pub(super) fn encode(data: Object) -> Vec<u8> {
    let mut out = Vec::new();
    let mut members = data.into_members();
    let written = match members.as_mut_slice() {
        [(name, value)] => {
            let value = std::mem::replace(value, Value::Null).open();
            // A list of anything but objects has no names to write it with: it goes into a root of its own.
            let listed = matches!(&value, Value::Array(elements) if !elements.iter().all(is_object));
            if listed {
                let root = Object::single(name.clone(), value);
                write(b"doc", Value::Object(root), &mut out)
            } else {
                write(&name.clone(), value, &mut out)
            }
        }
        _ => write(b"doc", Value::Object(Object::from_sorted(members)), &mut out),
    };
    if written.is_err() {
        out.clear();
    }
    out
}

fn is_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Slice(slice) => slice.is_object(),
        _ => false,
    }
}

fn write(name: &[u8], value: Value, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let value = value.open();
    if let Value::Array(elements) = value {
        if elements.is_empty() {
            element(name, b"", out);
        }
        for value in elements {
            write(name, value, out)?;
        }
        return Ok(());
    }
    match value {
        Value::Object(object) => return write_object(name, object.into_members(), out),
        Value::Record(members) => return write_object(name, members, out),
        scalar => element(name, &text(scalar).unwrap_or_default(), out),
    }
    Ok(())
}

/// An element with nothing but a text.
fn element(name: &[u8], text: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend_from_slice(name);
    if text.is_empty() {
        out.extend_from_slice(b"/>");
        return;
    }
    out.push(b'>');
    out.extend_from_slice(text);
    close(name, out);
}

fn close(name: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(name);
    out.push(b'>');
}

fn write_object(name: &[u8], members: Vec<(Bytes, Value)>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let mut content = None;
    let mut elements = Vec::new();
    out.push(b'<');
    out.extend_from_slice(name);
    // The prefix alone is the name of an element, as in the reverse.
    for (name, value) in members {
        match name.strip_prefix(b"-") {
            Some(attribute) if !attribute.is_empty() => {
                let value = text(value.open()).ok_or(Unwritable)?;
                out.push(b' ');
                out.extend_from_slice(attribute);
                out.extend_from_slice(b"=\"");
                out.extend_from_slice(&value);
                out.push(b'"');
            }
            _ if name == b"#text"[..] => content = Some(value),
            _ => elements.push((name, value)),
        }
    }
    if content.is_none() && elements.is_empty() {
        out.extend_from_slice(b"/>");
        return Ok(());
    }
    if content.is_some() && !elements.is_empty() {
        return Err(Unwritable);
    }
    out.push(b'>');
    if let Some(content) = content {
        out.extend_from_slice(&text(content.open()).ok_or(Unwritable)?);
    }
    for (name, value) in elements {
        write(&name, value, out)?;
    }
    close(name, out);
    Ok(())
}

/// A scalar as text, escaped. `null` is none.
fn text(value: Value) -> Option<Vec<u8>> {
    let text = match value {
        Value::Bool(true) => return Some(b"true".to_vec()),
        Value::Bool(false) => return Some(b"false".to_vec()),
        Value::Number(literal) => return Some(literal.to_vec()),
        Value::String(text) => text,
        _ => return None,
    };
    let mut out = Vec::with_capacity(text.len());
    for &byte in &text {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&apos;"),
            _ => out.push(byte),
        }
    }
    Some(out)
}
