//! A request, as it is told.

use backstay_live::{Filter, redact};
use backstay_proto::live::{Header, TappedRequest};
use jiff::Timestamp;

use crate::access::{Record, flags, protocol};

/// What is told of a request, without what nobody is told.
pub(super) fn request(record: &Record, filter: &Filter) -> TappedRequest {
    let text = |value: &Option<http::HeaderValue>| {
        value.as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    };
    let name = |name: &Option<std::sync::Arc<str>>| name.as_deref().unwrap_or_default().to_owned();
    let path = record.target.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let headers = record.headers.iter().filter(|(name, _)| filter.headers().contains(name));
    let headers = headers.map(|(name, value)| Header { name: name.to_string(), value: redact::header(name, value) });
    let backend = if record.backend.is_some() { &record.backend } else { &record.destination };
    TappedRequest {
        // Whoever passes it on says whose it is.
        proxy: String::new(),
        time: Timestamp::try_from(record.start).unwrap_or(Timestamp::UNIX_EPOCH).to_string(),
        method: record.method.to_string(),
        authority: text(&record.authority),
        path: redact::path(path),
        protocol: protocol(record.protocol).to_owned(),
        status: record.status.into(),
        flags: flags(record.flag, record.retry_flag).into_owned(),
        details: record.details.to_string(),
        bytes_received: record.bytes_in,
        bytes_sent: record.bytes_out,
        duration_ms: record.duration.as_micros() as f64 / 1000.0,
        upstream_ms: record.upstream_time().map(|time| time.as_micros() as f64 / 1000.0),
        upstream: record.upstream.map(|address| address.to_string()).unwrap_or_default(),
        attempts: record.attempts,
        route: name(&record.route),
        backend: name(backend),
        request_id: text(&record.request_id),
        client: record.client.to_string(),
        headers: headers.collect(),
    }
}
