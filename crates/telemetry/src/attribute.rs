//! Names and values, as OTLP has them.

use backstay_proto::otlp::common::v1::{AnyValue, KeyValue, any_value};

/// A text under a name.
#[must_use]
pub fn text(key: &str, value: impl Into<String>) -> KeyValue {
    of(key, any_value::Value::StringValue(value.into()))
}

/// A number under a name.
#[must_use]
pub fn number(key: &str, value: impl Into<i64>) -> KeyValue {
    of(key, any_value::Value::IntValue(value.into()))
}

/// Any value under a name.
#[must_use]
pub fn of(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
