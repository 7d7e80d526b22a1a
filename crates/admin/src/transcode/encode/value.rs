//! The value of one field.

use serde_json::{Map, Value};

use super::super::json::Reader;
use super::super::mask::ReadMask;
use super::super::shape::{Field, Many, Shape};
use super::super::{structs, wire};
use super::{EncodeError, State, Step, base64, fields, time};

/// The value of a field, whichever it is.
pub(super) fn write<'a>(
    field: &'a Field,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    match field.many {
        Many::One => one(field, mask, state, from),
        Many::List => list(field, mask, state, from),
        Many::Map => map(field, "", state, from),
    }
}

/// One value.
fn one<'a>(
    Field { number, shape, .. }: &'a Field,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    match shape {
        Shape::Message(message) => {
            let open = wire::open(*number, state.out);
            fields(message, mask, state, from)?;
            wire::close(&open, state.out);
            Ok(())
        }
        Shape::Struct => {
            let fields: Map<String, Value> = serde_json::from_str(from.any()?)?;
            let open = wire::open(*number, state.out);
            structs::write(&fields, state.out);
            wire::close(&open, state.out);
            Ok(())
        }
        Shape::Json => {
            wire::bytes(*number, from.any()?.as_bytes(), state.out);
            Ok(())
        }
        _ => scalar(*number, shape, false, state.out, from),
    }
}

/// A text, a number or a truth value; `packed` is without its key, as one of many.
fn scalar(
    number: u32,
    shape: &Shape,
    packed: bool,
    out: &mut Vec<u8>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    let key = |kind, out: &mut Vec<u8>| {
        if !packed {
            wire::key(number, kind, out);
        }
    };
    match shape {
        Shape::Text => wire::bytes(number, from.string()?.as_bytes(), out),
        Shape::Bytes => {
            let bytes = base64(&from.string()?).ok_or_else(|| from.fault("base64 before it"))?;
            wire::bytes(number, &bytes, out);
        }
        Shape::Time => {
            let (seconds, nanos) =
                time::parse(&from.string()?).ok_or_else(|| from.fault("a time of RFC 3339 before it"))?;
            let open = wire::open(number, out);
            for (number, part) in [(1, seconds), (2, nanos)] {
                if part != 0 {
                    wire::number(number, part as u64, out);
                }
            }
            wire::close(&open, out);
        }
        Shape::Bool => {
            let truth = match from.word()? {
                "true" => 1,
                "false" => 0,
                _ => return Err(from.fault("a truth value before it").into()),
            };
            key(wire::VARINT, out);
            wire::varint(truth, out);
        }
        Shape::Integer => {
            let value: i64 = from.word()?.parse().map_err(|_| from.fault("an integer of 64 bits before it"))?;
            key(wire::VARINT, out);
            // Two's complement, of ten bytes where it is negative.
            wire::varint(value as u64, out);
        }
        Shape::Double => {
            let value: f64 = from.word()?.parse().map_err(|_| from.fault("a number before it"))?;
            key(wire::FIXED64, out);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Shape::Struct | Shape::Json | Shape::Message(_) => return Err(from.fault("a single value").into()),
    }
    Ok(())
}

/// The items of a list.
fn list<'a>(
    field: &'a Field,
    mask: Option<&'a ReadMask>,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    let mut count = 0_usize;
    if matches!(field.shape, Shape::Integer | Shape::Double | Shape::Bool) {
        // Numbers of a list are written together.
        let before = state.out.len();
        let open = wire::open(field.number, state.out);
        from.array(|from| {
            count += 1;
            scalar(0, &field.shape, true, state.out, from)
        })?;
        wire::close(&open, state.out);
        if count == 0 {
            state.out.truncate(before);
        }
    } else {
        from.array(|from| {
            state.path.push(Step::Item(count));
            one(field, mask, state, from)?;
            state.path.pop();
            count += 1;
            Ok::<_, EncodeError>(())
        })?;
    }
    if count == 0 {
        state.note_empty();
    }
    Ok(())
}

/// Values under texts, but for the one that is called `without`; empty is none.
pub(super) fn map<'a>(
    field: &'a Field,
    without: &str,
    state: &mut State<'a, '_>,
    from: &mut Reader<'_>,
) -> Result<(), EncodeError> {
    let mut count = 0_usize;
    from.object(|from, key| {
        count += 1;
        if !without.is_empty() && key == without {
            return Ok(from.any().map(drop)?);
        }
        let open = wire::open(field.number, state.out);
        wire::bytes(1, key.as_bytes(), state.out);
        scalar(2, &field.shape, false, state.out, from)?;
        wire::close(&open, state.out);
        Ok::<_, EncodeError>(())
    })?;
    if count == 0 {
        state.note_empty();
    }
    Ok(())
}
