//! The message of a typed service to JSON, as clients of REST would write it.

mod empty;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::shape::{EMPTY_FIELDS, ETAG, Field, KEYS, Many, Message, NAME, ResourceShape, Shape, UID};
use super::structs::{self, StructError};
use super::wire::{Fields, Raw, WireError};

/// What a client sent of a resource.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Its name, as it is; empty if it is not said.
    pub(crate) name: String,
    /// Empty if it is not said.
    pub(crate) etag: String,
    /// Everything else: `metadata`, and what the kind has beside it. What is the server's to say is left out, except `uid`.
    pub(crate) object: Map<String, Value>,
}

/// Why a message cannot be read. Which field is at fault is said as `proto/` calls it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub(crate) struct DecodeError {
    /// The field; empty is the message itself.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) fault: Fault,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is no message.
    #[error("it is malformed: {0}")]
    Wire(#[from] WireError),
    /// It is no Struct.
    #[error("it is malformed: {0}")]
    Struct(#[from] StructError),
    /// The message has no field of this number: the client is newer than the server.
    #[error("field {0} is not known here")]
    Unknown(u32),
    /// It is of another type.
    #[error("it is not of the type of the field")]
    Type,
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    Text,
    /// It is no moment that can be written.
    #[error("it is out of the range of times")]
    Time,
    /// It is infinite, or no number.
    #[error("it is not finite")]
    Number,
    /// It is named in `empty_fields`.
    #[error("it names no list or map of the resource that may be empty")]
    Empty,
}

impl Fault {
    fn at(self, path: &str) -> DecodeError {
        DecodeError { path: path.to_owned(), fault: self }
    }
}

/// Metadata that is the server's to say, and is passed over.
const OUTPUT_ONLY: [&str; 5] =
    ["creationTimestamp", "deletionTimestamp", "generation", "managedFields", "deletionGracePeriodSeconds"];

/// Reads a resource.
pub(crate) fn read(shape: &ResourceShape, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    let (mut metadata, mut empty) = (Map::new(), Vec::new());
    for field in Fields(bytes) {
        let (number, raw) = field.map_err(|error| Fault::from(error).at(""))?;
        match number {
            NAME => text(raw).map_err(|fault| fault.at("name"))?.clone_into(&mut decoded.name),
            ETAG => text(raw).map_err(|fault| fault.at("etag"))?.clone_into(&mut decoded.etag),
            EMPTY_FIELDS => empty.push(text(raw).map_err(|fault| fault.at("empty_fields"))?),
            UID => {
                let uid = text(raw).map_err(|fault| fault.at("uid"))?;
                metadata.insert("uid".into(), uid.into());
            }
            // Made of what is stored, and no field of that: who writes what was read has them.
            KEYS if shape.kind.sensitive => {}
            number => {
                let (message, fields) = match shape.metadata.by_number(number) {
                    Some(_) => (&shape.metadata, &mut metadata),
                    None => (&shape.body, &mut decoded.object),
                };
                put(message, number, raw, fields, &mut String::new())?;
            }
        }
    }
    settle(&shape.metadata, &mut metadata);
    settle(&shape.body, &mut decoded.object);
    metadata.retain(|name, _| !OUTPUT_ONLY.contains(&name.as_str()));
    decoded.object.insert("metadata".into(), metadata.into());
    for path in empty {
        empty::add(shape, path, &mut decoded.object).ok_or_else(|| Fault::Empty.at(path))?;
    }
    Ok(decoded)
}

/// Puts what a field of a message holds to what there is of it.
fn put(
    message: &Message,
    number: u32,
    raw: Raw<'_>,
    fields: &mut Map<String, Value>,
    path: &mut String,
) -> Result<(), DecodeError> {
    let Some(field) = message.by_number(number) else { return Err(Fault::Unknown(number).at(path)) };
    let before = path.len();
    if before != 0 {
        path.push('.');
    }
    path.push_str(&field.name);
    match field.many {
        Many::One => {
            let there = fields.shift_remove(&field.json);
            let value = one(field, raw, there, path)?;
            fields.insert(field.json.clone(), value);
        }
        Many::List => {
            let list = fields.entry(field.json.as_str()).or_insert_with(|| Value::Array(Vec::new()));
            let Value::Array(list) = list else { return Err(Fault::Type.at(path)) };
            items(field, raw, list, path)?;
        }
        Many::Map => {
            let map = fields.entry(field.json.as_str()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(map) = map else { return Err(Fault::Type.at(path)) };
            entry(field, raw, map, path)?;
        }
    }
    path.truncate(before);
    Ok(())
}

/// One value. A message that comes in parts is put together, as protobuf has it.
fn one(field: &Field, raw: Raw<'_>, there: Option<Value>, path: &mut String) -> Result<Value, DecodeError> {
    let value = match (&field.shape, raw) {
        (Shape::Text, raw) => text(raw).map(Value::from),
        (Shape::Bool, Raw::Number(number)) => Ok((number != 0).into()),
        // Two's complement.
        (Shape::Integer, Raw::Number(number)) => Ok((number as i64).into()),
        (Shape::Double, Raw::Eight(bytes)) => {
            structs::number(f64::from_le_bytes(bytes)).map(Value::Number).map_err(|_| Fault::Number)
        }
        (Shape::Bytes, Raw::Bytes(bytes)) => Ok(STANDARD.encode(bytes).into()),
        (Shape::Time, Raw::Bytes(bytes)) => time(bytes).map(Value::from),
        (Shape::Struct, Raw::Bytes(bytes)) => structs::read(bytes).map(Value::Object).map_err(Fault::from),
        (Shape::Json, raw) => text(raw).and_then(|json| serde_json::from_str(json).map_err(|_| Fault::Type)),
        (Shape::Message(message), Raw::Bytes(bytes)) => {
            let mut fields = match there {
                Some(Value::Object(fields)) => fields,
                _ => Map::new(),
            };
            for part in Fields(bytes) {
                let (number, raw) = part.map_err(|error| Fault::from(error).at(path))?;
                put(message, number, raw, &mut fields, path)?;
            }
            settle(message, &mut fields);
            return Ok(fields.into());
        }
        _ => Err(Fault::Type),
    };
    value.map_err(|fault| fault.at(path))
}

fn items(field: &Field, raw: Raw<'_>, list: &mut Vec<Value>, path: &mut String) -> Result<(), DecodeError> {
    // Numbers may come one by one, or many together.
    if let (Shape::Integer | Shape::Bool, Raw::Bytes(bytes)) = (&field.shape, raw) {
        let mut numbers = Fields(bytes);
        while !numbers.0.is_empty() {
            let number = numbers.varint().map_err(|error| Fault::from(error).at(path))?;
            list.push(one(field, Raw::Number(number), None, path)?);
        }
        return Ok(());
    }
    if let (Shape::Double, Raw::Bytes(bytes)) = (&field.shape, raw) {
        let (eights, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(Fault::Wire(WireError::Short).at(path));
        }
        for eight in eights {
            list.push(one(field, Raw::Eight(*eight), None, path)?);
        }
        return Ok(());
    }
    let before = path.len();
    path.push_str(&format!("[{}]", list.len()));
    list.push(one(field, raw, None, path)?);
    path.truncate(before);
    Ok(())
}

fn entry(field: &Field, raw: Raw<'_>, map: &mut Map<String, Value>, path: &mut String) -> Result<(), DecodeError> {
    let Raw::Bytes(bytes) = raw else { return Err(Fault::Type.at(path)) };
    let (mut key, mut value) = ("", Value::String(String::new()));
    for part in Fields(bytes) {
        match part.map_err(|error| Fault::from(error).at(path))? {
            (1, raw) => key = text(raw).map_err(|fault| fault.at(path))?,
            (2, raw) => value = one(field, raw, None, path)?,
            (number, _) => return Err(Fault::Unknown(number).at(path)),
        }
    }
    map.insert(key.to_owned(), value);
    Ok(())
}

/// Maps come in any order: sorted, equal ones are equal byte for byte.
fn settle(message: &Message, fields: &mut Map<String, Value>) {
    for field in message.fields.iter().filter(|field| field.many == Many::Map) {
        if let Some(Value::Object(map)) = fields.get_mut(&field.json) {
            map.sort_keys();
        }
    }
}

fn text(raw: Raw<'_>) -> Result<&str, Fault> {
    let Raw::Bytes(bytes) = raw else { return Err(Fault::Type) };
    std::str::from_utf8(bytes).map_err(|_| Fault::Text)
}

fn time(bytes: &[u8]) -> Result<String, Fault> {
    let (mut seconds, mut nanos) = (0, 0);
    for part in Fields(bytes) {
        match part? {
            (1, Raw::Number(number)) => seconds = number as i64,
            (2, Raw::Number(number)) => nanos = i32::try_from(number as i64).map_err(|_| Fault::Time)?,
            _ => return Err(Fault::Type),
        }
    }
    Timestamp::new(seconds, nanos).map(|time| time.to_string()).map_err(|_| Fault::Time)
}
