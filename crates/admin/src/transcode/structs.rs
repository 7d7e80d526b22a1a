//! `google.protobuf.Struct`: any JSON object, whose numbers are doubles.

use serde_json::{Map, Number, Value};

use super::wire::{self, Fields, Raw, WireError};

/// How deeply values may be nested, as decoders of JSON have it.
const MAX_DEPTH: usize = 100;

/// The largest double below which every integer is one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes an object.
pub(crate) fn write(fields: &Map<String, Value>, out: &mut Vec<u8>) {
    for (name, value) in fields {
        let entry = wire::open(1, out);
        wire::bytes(1, name.as_bytes(), out);
        let below = wire::open(2, out);
        write_value(value, out);
        wire::close(&below, out);
        wire::close(&entry, out);
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => wire::number(1, 0, out),
        Value::Number(number) => {
            wire::key(2, wire::FIXED64, out);
            out.extend_from_slice(&number.as_f64().unwrap_or_default().to_le_bytes());
        }
        Value::String(text) => wire::bytes(3, text.as_bytes(), out),
        Value::Bool(truth) => wire::number(4, u64::from(*truth), out),
        Value::Object(fields) => {
            let below = wire::open(5, out);
            write(fields, out);
            wire::close(&below, out);
        }
        Value::Array(items) => {
            let list = wire::open(6, out);
            for item in items {
                let below = wire::open(1, out);
                write_value(item, out);
                wire::close(&below, out);
            }
            wire::close(&list, out);
        }
    }
}

/// Why bytes are no Struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StructError {
    /// They are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A number is infinite, or is none.
    #[error("a number is not finite")]
    Number,
    /// Values are nested too deeply.
    #[error("values are nested more than {MAX_DEPTH} deep")]
    Depth,
    /// A field is of another type.
    #[error("a value is not of the type of its field")]
    Type,
}

/// Reads an object.
pub(crate) fn read(bytes: &[u8]) -> Result<Map<String, Value>, StructError> {
    object(bytes, 0)
}

fn object(bytes: &[u8], depth: usize) -> Result<Map<String, Value>, StructError> {
    let mut fields = Map::new();
    for field in Fields(bytes) {
        let (1, Raw::Bytes(entry)) = field? else { return Err(StructError::Type) };
        let (mut name, mut found) = (String::new(), Value::Null);
        for part in Fields(entry) {
            match part? {
                (1, Raw::Bytes(bytes)) => text(bytes)?.clone_into(&mut name),
                (2, Raw::Bytes(bytes)) => found = value(bytes, depth)?,
                _ => return Err(StructError::Type),
            }
        }
        fields.insert(name, found);
    }
    Ok(fields)
}

fn value(bytes: &[u8], depth: usize) -> Result<Value, StructError> {
    if depth > MAX_DEPTH {
        return Err(StructError::Depth);
    }
    let mut found = Value::Null;
    for field in Fields(bytes) {
        found = match field? {
            (1, Raw::Number(_)) => Value::Null,
            (2, Raw::Eight(bytes)) => Value::Number(number(f64::from_le_bytes(bytes))?),
            (3, Raw::Bytes(bytes)) => text(bytes)?.into(),
            (4, Raw::Number(truth)) => (truth != 0).into(),
            (5, Raw::Bytes(bytes)) => object(bytes, depth + 1)?.into(),
            (6, Raw::Bytes(bytes)) => list(bytes, depth + 1)?.into(),
            _ => return Err(StructError::Type),
        };
    }
    Ok(found)
}

fn list(bytes: &[u8], depth: usize) -> Result<Vec<Value>, StructError> {
    let mut items = Vec::new();
    for field in Fields(bytes) {
        let (1, Raw::Bytes(item)) = field? else { return Err(StructError::Type) };
        items.push(value(item, depth)?);
    }
    Ok(items)
}

/// A whole number is written without a fraction, as whoever wrote JSON would.
pub(crate) fn number(double: f64) -> Result<Number, StructError> {
    if double.fract() == 0.0 && double.abs() < EXACT && (double != 0.0 || double.is_sign_positive()) {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        return Ok((double as i64).into());
    }
    Number::from_f64(double).ok_or(StructError::Number)
}

fn text(bytes: &[u8]) -> Result<&str, StructError> {
    std::str::from_utf8(bytes).map_err(|_| StructError::Text)
}
