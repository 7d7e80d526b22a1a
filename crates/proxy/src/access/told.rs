//! A record as a collector is told of it.

use std::time::SystemTime;

use backstay_model::telemetry::Layout;
use backstay_proto::otlp::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value};
use backstay_proto::otlp::logs::v1::{LogRecord, SeverityNumber};
use serde_json::Value;

use super::Record;

impl Record {
    /// The record, whose body is a text, or a map where its plan says JSON.
    pub(super) fn told(&self) -> LogRecord {
        let mut line = Vec::new();
        let written = self.write(&mut line).is_ok();
        let text = |line: &[u8]| any_value::Value::StringValue(String::from_utf8_lossy(line).into_owned());
        let body = match (&self.plan.layout, serde_json::from_slice::<Value>(&line)) {
            (Layout::Fields(_) | Layout::Formats(_), Ok(value)) if written => any(value).value,
            _ => Some(text(&line)),
        };
        let severity = match self.status {
            500.. => SeverityNumber::Error,
            _ if self.is_flagged() => SeverityNumber::Warn,
            _ => SeverityNumber::Info,
        };
        LogRecord {
            time_unix_nano: nanos(self.start),
            observed_time_unix_nano: nanos(SystemTime::now()),
            severity_number: severity.into(),
            body: Some(AnyValue { value: body }),
            trace_id: self.trace.map(|trace| trace.id.to_bytes().to_vec().into()).unwrap_or_default(),
            span_id: self
                .trace
                .and_then(|trace| trace.span)
                .map(|span| span.to_bytes().to_vec().into())
                .unwrap_or_default(),
            event_name: "backstay.request".to_owned(),
            ..LogRecord::default()
        }
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A value of JSON as OTLP has it; null is a value without a kind.
fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(any_value::Value::BoolValue(value)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => any_value::Value::IntValue(whole),
            (None, number) => any_value::Value::DoubleValue(number.unwrap_or_default()),
        }),
        Value::String(text) => Some(any_value::Value::StringValue(text)),
        Value::Array(values) => {
            Some(any_value::Value::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() }))
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| KeyValue { key, value: Some(any(value)) });
            Some(any_value::Value::KvlistValue(KeyValueList { values: fields.collect() }))
        }
    };
    AnyValue { value }
}
