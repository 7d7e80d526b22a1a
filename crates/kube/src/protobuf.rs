//! Bodies in protobuf, of the few types whose clients send nothing else.
//!
//! Source: Kubernetes, `runtime.Unknown` behind the magic `k8s\0`; the field numbers of `meta/v1`, `core/v1`,
//! `authorization/v1` and `authentication/v1`. Clients print or compare none of the timestamps they send, so those are
//! not read; what a client leaves empty is absent.

#[cfg(test)]
mod tests;
mod types;
mod wire;

use backstay_resources::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use self::types::{Field, Type};
use self::wire::{Data, Fields, Malformed};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";
/// Messages within messages; no known type has more than four.
const MAX_DEPTH: usize = 8;

/// Why a body could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("the body is not valid protobuf")]
    Malformed,
    #[error("{kind} of {api_version} is not read as protobuf, send it as application/json")]
    UnknownType { api_version: String, kind: String },
}

impl From<Malformed> for DecodeError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Reads an object.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(DecodeError::Malformed)?;
    let (mut type_meta, mut raw): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields(body) {
        match field? {
            (1, Data::Bytes(bytes)) => type_meta = bytes,
            (2, Data::Bytes(bytes)) => raw = bytes,
            (3, Data::Bytes(encoding)) if !encoding.is_empty() => return Err(DecodeError::Malformed),
            _ => {}
        }
    }
    let meta = message(type_meta, types::TYPE_META, 0)?;
    let text = |name: &str| meta.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let Some(fields) = types::of(&api_version, &kind) else {
        return Err(DecodeError::UnknownType { api_version, kind });
    };
    let mut object = Map::new();
    object.insert("apiVersion".into(), api_version.into());
    object.insert("kind".into(), kind.into());
    object.extend(message(raw, fields, 0)?);
    Ok(Value::Object(object))
}

fn message(bytes: &[u8], known: &[Field], depth: usize) -> Result<Map<String, Value>, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::Malformed);
    }
    let mut fields = Map::new();
    for field in Fields(bytes) {
        let (number, data) = field?;
        let Some(known) = known.iter().find(|known| known.number == number) else { continue };
        match known.kind {
            Type::TextMap | Type::BytesMap => {
                let (key, value) = entry(data, known.kind)?;
                if let Value::Object(map) = fields.entry(known.name).or_insert_with(|| Value::Object(Map::new())) {
                    map.insert(key, value);
                }
            }
            Type::Texts => {
                if let Value::Array(list) = fields.entry(known.name).or_insert_with(|| Value::Array(Vec::new())) {
                    list.push(text(data)?.into());
                }
            }
            Type::Messages(types) => {
                let value = message(bytes_of(data)?, types, depth + 1)?;
                if let Value::Array(list) = fields.entry(known.name).or_insert_with(|| Value::Array(Vec::new())) {
                    list.push(Value::Object(value));
                }
            }
            Type::Text => {
                let text = text(data)?;
                if !text.is_empty() {
                    fields.insert(known.name.into(), text.into());
                }
            }
            Type::Integer => {
                fields.insert(known.name.into(), number_of(data)?.cast_signed().into());
            }
            Type::Boolean => {
                fields.insert(known.name.into(), (number_of(data)? != 0).into());
            }
            Type::MicroTime => {
                if let Some(time) = micro_time(bytes_of(data)?)? {
                    fields.insert(known.name.into(), time.into());
                }
            }
            Type::Message(types) => {
                let value = message(bytes_of(data)?, types, depth + 1)?;
                if !value.is_empty() {
                    fields.insert(known.name.into(), Value::Object(value));
                }
            }
        }
    }
    Ok(fields)
}

/// A `MicroTime` as JSON has it. Nothing for the beginning of time, which is how clients write an absent one.
fn micro_time(bytes: &[u8]) -> Result<Option<String>, DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields(bytes) {
        match field? {
            (1, data) => seconds = number_of(data)?.cast_signed(),
            (2, data) => nanos = number_of(data)?.cast_signed(),
            _ => {}
        }
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    let micros = u32::try_from(nanos / 1000).map_err(|_| DecodeError::Malformed)?;
    Timestamp::micro(seconds, micros).map(Some).ok_or(DecodeError::Malformed)
}

/// An entry of a map is a message of a key and a value.
fn entry(data: Data<'_>, kind: Type) -> Result<(String, Value), DecodeError> {
    let (mut key, mut value): (&str, &[u8]) = ("", &[]);
    for field in Fields(bytes_of(data)?) {
        match field? {
            (1, data) => key = text(data)?,
            (2, data) => value = bytes_of(data)?,
            _ => {}
        }
    }
    let value = match kind {
        Type::BytesMap => STANDARD.encode(value),
        _ => std::str::from_utf8(value).map_err(|_| DecodeError::Malformed)?.to_owned(),
    };
    Ok((key.to_owned(), value.into()))
}

fn bytes_of(data: Data<'_>) -> Result<&[u8], DecodeError> {
    match data {
        Data::Bytes(bytes) => Ok(bytes),
        Data::Number(_) => Err(DecodeError::Malformed),
    }
}

fn number_of(data: Data<'_>) -> Result<u64, DecodeError> {
    match data {
        Data::Number(number) => Ok(number),
        Data::Bytes(_) => Err(DecodeError::Malformed),
    }
}

fn text(data: Data<'_>) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes_of(data)?).map_err(|_| DecodeError::Malformed)
}
