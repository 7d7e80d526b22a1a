//! The value of one field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::super::json::{Expected, LIST, OBJECT, Reader};
use super::super::mask::ReadMask;
use super::super::shape::{Field, Many, Shape};
use super::super::{structs, wire};
use super::path::Path;
use super::{LAST_APPLIED, State, fields, skip, time};

/// The value of a field, whichever it is. `path` is that of the field.
pub(super) fn write(
    field: &Field,
    mask: Option<&ReadMask>,
    path: &Path<'_>,
    state: &mut State<'_>,
    from: &mut Reader<'_>,
) -> Result<(), Expected> {
    match field.many {
        Many::One => one(field, mask, path, state, from),
        Many::List => list(field, mask, path, state, from),
        Many::Map => map(field, path, state, from),
    }
}

/// One value.
#[inline]
fn one(
    Field { number, shape, .. }: &Field,
    mask: Option<&ReadMask>,
    path: &Path<'_>,
    state: &mut State<'_>,
    from: &mut Reader<'_>,
) -> Result<(), Expected> {
    match shape {
        Shape::Message(message) => {
            let open = wire::open(*number, state.out);
            fields(message, mask, Some(path), state, from, skip)?;
            wire::close(&open, state.out);
            Ok(())
        }
        Shape::Struct => {
            let fields: Map<String, Value> =
                serde_json::from_str(from.any()?).map_err(|_| Expected("an object before it"))?;
            let open = wire::open(*number, state.out);
            structs::write(&fields, state.out);
            wire::close(&open, state.out);
            Ok(())
        }
        Shape::Json => {
            wire::bytes(*number, from.any()?.as_bytes(), state.out);
            Ok(())
        }
        _ => scalar(*number, shape, state.out, from),
    }
}

/// A text.
#[inline]
pub(super) fn text(number: u32, out: &mut Vec<u8>, from: &mut Reader<'_>) -> Result<(), Expected> {
    let quoted = from.quoted()?;
    match quoted.plain() {
        Some(plain) => wire::bytes(number, plain, out),
        None => wire::bytes(number, quoted.text()?.as_bytes(), out),
    }
    Ok(())
}

/// A text, a number or a truth value.
fn scalar(number: u32, shape: &Shape, out: &mut Vec<u8>, from: &mut Reader<'_>) -> Result<(), Expected> {
    match shape {
        Shape::Text => text(number, out, from)?,
        Shape::Bytes => {
            let bytes = STANDARD.decode(&*from.string()?).map_err(|_| Expected("base64 before it"))?;
            wire::bytes(number, &bytes, out);
        }
        Shape::Time => {
            let quoted = from.quoted()?;
            let whole = quoted.plain().and_then(time::whole_seconds).map(|seconds| (seconds, 0));
            let moment = match whole {
                Some(moment) => moment,
                None => time::parse(&quoted.text()?).ok_or(Expected("a time of RFC 3339 before it"))?,
            };
            time::write(number, moment, out);
        }
        Shape::Bool | Shape::Integer => {
            wire::key(number, wire::VARINT, out);
            packed(shape, out, from)?;
        }
        Shape::Double => {
            wire::key(number, wire::FIXED64, out);
            packed(shape, out, from)?;
        }
        Shape::Struct | Shape::Json | Shape::Message(_) => return Err(Expected("a single value")),
    }
    Ok(())
}

/// A number or a truth value without its key, as one of many.
fn packed(shape: &Shape, out: &mut Vec<u8>, from: &mut Reader<'_>) -> Result<(), Expected> {
    let word = from.word()?;
    match shape {
        Shape::Bool => {
            let truth = match word {
                "true" => 1,
                "false" => 0,
                _ => return Err(Expected("a truth value before it")),
            };
            wire::varint(truth, out);
        }
        Shape::Integer => {
            let value: i64 = word.parse().map_err(|_| Expected("an integer of 64 bits before it"))?;
            // Two's complement, of ten bytes where it is negative.
            wire::varint(value as u64, out);
        }
        _ => {
            let value: f64 = word.parse().map_err(|_| Expected("a number before it"))?;
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    Ok(())
}

/// The items of a list.
fn list(
    field: &Field,
    mask: Option<&ReadMask>,
    path: &Path<'_>,
    state: &mut State<'_>,
    from: &mut Reader<'_>,
) -> Result<(), Expected> {
    if !from.begin(LIST)? {
        state.empty.push(path.to_string());
        return Ok(());
    }
    let mut more = true;
    if matches!(field.shape, Shape::Integer | Shape::Double | Shape::Bool) {
        // Numbers of a list are written together.
        let open = wire::open(field.number, state.out);
        while more {
            packed(&field.shape, state.out, from)?;
            more = from.more(LIST)?;
        }
        wire::close(&open, state.out);
        return Ok(());
    }
    let mut count = 0;
    while more {
        one(field, mask, &path.item(count), state, from)?;
        count += 1;
        more = from.more(LIST)?;
    }
    Ok(())
}

/// Values under texts. Of what must not be told, a copy of the whole is left out.
fn map(field: &Field, path: &Path<'_>, state: &mut State<'_>, from: &mut Reader<'_>) -> Result<(), Expected> {
    if !from.begin(OBJECT)? {
        state.empty.push(path.to_string());
        return Ok(());
    }
    let mut more = true;
    while more {
        let key = from.name()?;
        if state.secret && key == LAST_APPLIED {
            from.any()?;
        } else {
            let open = wire::open(field.number, state.out);
            wire::bytes(1, key.as_bytes(), state.out);
            scalar(2, &field.shape, state.out, from)?;
            wire::close(&open, state.out);
        }
        more = from.more(OBJECT)?;
    }
    Ok(())
}
