//! Messages of the contract as JSON, by their description: a field that the contract gains is shown without a change here.
//!
//! As protobuf's own JSON, but for an operator: what `debug_redact` marks is not shown, bytes show how many they are, and a
//! message that is empty shows that it is there. Fields that have their default are left out, enumerations excepted.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value as Field};
use serde_json::{Map, Value, json};

/// Fields whose zero means something.
const SHOWN_AT_ZERO: [&str; 2] = ["backstay.config.v1.WeightedBackend.weight", "backstay.config.v1.Locality.weight"];

const REDACTED: &str = "redacted";

/// A message as JSON, without its secrets.
pub(super) fn shown(message: &DynamicMessage) -> Value {
    let descriptor = message.descriptor();
    if let Some(value) = well_known(message) {
        return value;
    }
    let says_something = |field: &FieldDescriptor| {
        let chosen = matches!(field.kind(), Kind::Enum(_)) && !field.supports_presence() && !field.is_list();
        chosen || SHOWN_AT_ZERO.contains(&field.full_name())
    };
    let is_shown = |field: &FieldDescriptor| message.has_field(field) || says_something(field);
    let fields = descriptor.fields().filter(is_shown);
    let fields: Map<_, _> = fields
        .map(|field| {
            let value = if is_redacted(&field) {
                json!(REDACTED)
            } else {
                field_value(&field.kind(), &message.get_field(&field))
            };
            (field.json_name().to_owned(), value)
        })
        .collect();
    Value::Object(fields)
}

fn field_value(kind: &Kind, value: &Field) -> Value {
    match value {
        Field::Bool(value) => json!(value),
        Field::I32(value) => json!(value),
        Field::I64(value) => json!(value),
        Field::U32(value) => json!(value),
        Field::U64(value) => json!(value),
        Field::F32(value) => json!(value),
        Field::F64(value) => json!(value),
        Field::String(value) => json!(value),
        Field::Bytes(value) => json!(format!("{} bytes", value.len())),
        Field::EnumNumber(number) => {
            let name = kind.as_enum().and_then(|kind| kind.get_value(*number)).map(|value| value.name().to_owned());
            name.map_or_else(|| json!(number), |name| json!(name))
        }
        Field::Message(message) => shown(message),
        Field::List(list) => list.iter().map(|value| field_value(kind, value)).collect(),
        Field::Map(map) => {
            let Some(entry) = kind.as_message() else { return Value::Null };
            let kind = entry.map_entry_value_field().kind();
            let key = |key: &prost_reflect::MapKey| match key {
                prost_reflect::MapKey::String(key) => key.clone(),
                other => format!("{other:?}"),
            };
            Value::Object(map.iter().map(|(name, value)| (key(name), field_value(&kind, value))).collect())
        }
    }
}

/// Durations, and numbers that may be absent.
fn well_known(message: &DynamicMessage) -> Option<Value> {
    let descriptor = message.descriptor();
    let name = descriptor.full_name().strip_prefix("google.protobuf.")?;
    if name == "Duration" {
        let number = |field: &str| {
            message.get_field_by_name(field).and_then(|value| value.as_i64().or_else(|| value.as_i32().map(i64::from)))
        };
        let (seconds, nanos) = (number("seconds")?, number("nanos")?);
        let seconds = seconds as f64 + nanos as f64 / 1e9;
        return Some(json!(format!("{seconds}s")));
    }
    let field = descriptor.get_field_by_name("value")?;
    name.ends_with("Value").then(|| field_value(&field.kind(), &message.get_field(&field)))
}

fn is_redacted(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}

#[cfg(test)]
mod tests;
