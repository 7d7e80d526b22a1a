//! A record as an object of JSON with the project's own keys.

use std::borrow::Cow;
use std::collections::BTreeMap;

use backstay_log_format::Field;
use backstay_model::telemetry::LogFields;
use http::HeaderName;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::record::{flags, milliseconds, protocol, text};
use super::{CallRecord, Record};

/// A record, as `fields` says.
pub(super) struct Fields<'a> {
    pub(super) record: &'a Record,
    pub(super) fields: &'a LogFields,
}

impl Serialize for CallRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("outcome", self.outcome.as_str())?;
        map.serialize_entry("duration_ms", &milliseconds(self.duration))?;
        map.serialize_entry("upstream", &self.upstream)?;
        map.end()
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, fields } = self;
        let mut map = serializer.serialize_map(None)?;
        for field in &fields.names {
            self.entry(*field, &mut map)?;
        }
        let headers = |names: &[HeaderName], value: &dyn Fn(&HeaderName) -> Option<String>| {
            let values = names.iter().filter_map(|name| Some((name.to_string(), value(name)?)));
            values.collect::<BTreeMap<_, _>>()
        };
        let plan = &record.plan;
        let readable = |value: Cow<'_, [u8]>| String::from_utf8_lossy(&value).into_owned();
        if !fields.request_headers.is_empty() {
            let value = |name: &HeaderName| plan.request_header(name, &record.request_headers).map(readable);
            map.serialize_entry("request_headers", &headers(&fields.request_headers, &value))?;
        }
        if !fields.response_headers.is_empty() {
            let value = |name: &HeaderName| plan.response_header(name, &record.response_headers).map(readable);
            map.serialize_entry("response_headers", &headers(&fields.response_headers, &value))?;
        }
        map.end()
    }
}

impl Fields<'_> {
    fn entry<M: SerializeMap>(&self, field: Field, map: &mut M) -> Result<(), M::Error> {
        let record = self.record;
        let key = field.name();
        match field {
            Field::StartTime => {
                let mut time = Vec::new();
                self.fields.time.write(record.start, &mut time);
                let time = String::from_utf8_lossy(&time);
                match time.parse::<f64>() {
                    Ok(seconds) => map.serialize_entry(key, &seconds),
                    Err(_) => map.serialize_entry(key, &time),
                }
            }
            Field::Method => map.serialize_entry(key, record.method.as_str()),
            Field::Authority => map.serialize_entry(key, &record.authority.as_ref().map(text)),
            Field::Path => map.serialize_entry(key, &record.plan.target(record.path())),
            Field::Protocol => map.serialize_entry(key, protocol(record.protocol)),
            Field::Status => map.serialize_entry(key, &record.status),
            Field::Flags => map.serialize_entry(key, &flags(record.flag, record.retry_flag)),
            Field::Details => map.serialize_entry(key, &record.details),
            Field::BytesReceived => map.serialize_entry(key, &record.bytes_in),
            Field::BytesSent => map.serialize_entry(key, &record.bytes_out),
            Field::DurationMs => map.serialize_entry(key, &milliseconds(record.duration)),
            Field::Upstream => map.serialize_entry(key, &record.upstream),
            Field::Attempts => map.serialize_entry(key, &record.attempts),
            Field::UpstreamMs => match record.upstream_time() {
                Some(time) => map.serialize_entry(key, &milliseconds(time)),
                None => Ok(()),
            },
            Field::Route => map.serialize_entry(key, &record.route),
            Field::Backend => map.serialize_entry(key, &record.backend),
            Field::Destination if record.is_of_destination() => map.serialize_entry(key, &record.destination),
            Field::Cause if record.is_of_destination() => map.serialize_entry(key, &record.cause),
            Field::Calls if !record.calls.is_empty() => map.serialize_entry(key, &record.calls),
            Field::Destination | Field::Cause | Field::Calls => Ok(()),
            Field::RequestId => map.serialize_entry(key, &record.request_id.as_ref().map(text)),
            Field::Client => map.serialize_entry(key, &record.client),
            Field::UserAgent => map.serialize_entry(key, &record.user_agent.as_ref().map(text)),
            Field::TraceId => match record.trace {
                Some(trace) => map.serialize_entry(key, &format_args!("{}", trace.id)),
                None => Ok(()),
            },
            Field::SpanId => match record.trace.and_then(|trace| trace.span) {
                Some(span) => map.serialize_entry(key, &format_args!("{span}")),
                None => Ok(()),
            },
            Field::ResponseDurationMs => map.serialize_entry(key, &record.response_after.map(milliseconds)),
            Field::Port => map.serialize_entry(key, &record.local.port()),
            Field::ServerName => map.serialize_entry(key, &record.server_name),
            Field::TlsVersion => map.serialize_entry(key, &record.tls.as_ref().map(|tls| tls.version)),
            Field::TlsCipher => map.serialize_entry(key, &record.tls.as_ref().map(|tls| tls.cipher)),
            Field::Hostname => map.serialize_entry(key, &record.plan.host),
        }
    }
}
