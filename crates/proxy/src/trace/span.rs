//! What is told of a request and of its attempts.
//!
//! Source: OpenTelemetry semantic conventions 1.x, "HTTP spans", which are stable.

use std::time::Instant;

use backstay_proto::otlp::common::v1::KeyValue;
use backstay_proto::otlp::trace::v1;
use backstay_telemetry::attribute::{number, text};
use backstay_telemetry::{Lane, Span, SpanKind};
use http::Method;

use super::RequestTrace;
use super::attempt::Attempt;
use crate::access::Record;
use crate::conventions::{KnownMethod, OTHER_METHOD, scheme, version};

/// The longest text of a client's that is told, in bytes.
const MAX_TEXT: usize = 1024;

impl RequestTrace {
    /// Tells of the request, which has ended as `record` says, and of its attempts.
    #[cold]
    pub(crate) fn tell(&self, record: &Record, lane: &Lane<v1::Span>) {
        let ended = Instant::now();
        let attempts = self.attempts.take();
        let count = attempts.len();
        for (index, attempt) in attempts.into_iter().enumerate() {
            lane.push(self.client(record, &attempt, index, ended, index + 1 == count).into());
        }
        lane.push(self.server(record, ended).into());
    }

    fn server(&self, record: &Record, ended: Instant) -> Span {
        let mut attributes = request(record);
        attributes.push(text("url.path", shortened(record.target.path())));
        attributes.push(text("client.address", record.client.ip().to_string()));
        attributes.push(number("client.port", record.client.port()));
        attributes.push(text("network.peer.address", record.client.ip().to_string()));
        attributes.push(number("network.peer.port", record.client.port()));
        attributes.push(text("network.protocol.name", "http"));
        attributes.push(text("network.protocol.version", version(record.protocol)));
        attributes.push(text("url.scheme", scheme(record.secure)));
        if let Some(agent) = &record.user_agent {
            attributes.push(text("user_agent.original", shortened(&String::from_utf8_lossy(agent.as_bytes()))));
        }
        let server = record.authority.as_ref().and_then(|authority| authority.to_str().ok()).unwrap_or_default();
        if !server.is_empty() {
            let (host, port) = split(server);
            attributes.push(text("server.address", shortened(host)));
            attributes.push(number("server.port", port.unwrap_or_else(|| record.local.port())));
        }
        if let Some(matched) = &record.matched {
            attributes.push(text("http.route", &**matched));
        }
        if let Some(route) = &record.route {
            attributes.push(text("backstay.route", &**route));
        }
        if let Some(backend) = &record.backend {
            attributes.push(text("backstay.backend", &**backend));
        }
        if let Some(upstream) = record.upstream {
            attributes.push(text("backstay.endpoint", upstream.to_string()));
        }
        if let Some(id) = record.request_id.as_ref().and_then(|id| id.to_str().ok()) {
            attributes.push(text("backstay.request_id", shortened(id)));
        }
        attributes.push(number("backstay.attempts", record.attempts));
        attributes.push(number("http.request.body.size", i64::try_from(record.bytes_in).unwrap_or(i64::MAX)));
        attributes.push(number("http.response.body.size", i64::try_from(record.bytes_out).unwrap_or(i64::MAX)));
        if record.status > 0 {
            attributes.push(number("http.response.status_code", record.status));
        }
        let mut error = (record.status >= 500).then(|| record.status.to_string());
        if record.is_flagged() {
            attributes.push(text("backstay.flags", record.flags()));
            attributes.push(text("backstay.details", record.details.clone()));
            // A client that leaves is none of the server's errors, and an answer that breaks off is one.
            if record.status == 0 || (200..400).contains(&record.status) {
                error = Some(record.flags().into_owned());
            }
        }
        if let Some(error) = &error {
            attributes.push(text("error.type", error));
        }
        let name = match &record.matched {
            Some(matched) => format!("{} {matched}", method(&record.method)),
            None => method(&record.method).to_owned(),
        };
        Span {
            trace: self.id,
            id: self.span,
            parent: self.parent,
            kind: SpanKind::Server,
            name,
            start: self.began.nanos(self.began.instant()),
            end: self.began.nanos(ended),
            attributes,
            error: error.map(|_| record.details.clone().into_owned()),
        }
    }

    fn client(&self, record: &Record, attempt: &Attempt, index: usize, ended: Instant, is_last: bool) -> Span {
        let mut attributes = request(record);
        attributes.push(text("server.address", attempt.address.ip().to_string()));
        attributes.push(number("server.port", attempt.address.port()));
        attributes.push(text("network.peer.address", attempt.address.ip().to_string()));
        attributes.push(number("network.peer.port", attempt.address.port()));
        attributes.push(text("backstay.backend", &*attempt.backend));
        if index > 0 {
            attributes.push(number("http.request.resend_count", i64::try_from(index).unwrap_or(i64::MAX)));
        }
        if let Some(status) = attempt.status {
            attributes.push(number("http.response.status_code", status));
        }
        let unanswered = attempt.error.map(str::to_owned);
        // What ended the request has ended the attempt that had no answer yet.
        let ended_by = (is_last && attempt.status.is_none()).then(|| record.details.clone().into_owned());
        let by_status = attempt.status.filter(|status| *status >= 400).map(|status| status.to_string());
        let error = unanswered.or(ended_by).or(by_status);
        if let Some(error) = &error {
            attributes.push(text("error.type", error));
        }
        Span {
            trace: self.id,
            id: attempt.id,
            parent: Some(self.span),
            kind: SpanKind::Client,
            name: method(&record.method).to_owned(),
            start: self.began.nanos(attempt.began),
            end: self.began.nanos(attempt.ended.unwrap_or(ended)),
            attributes,
            error: error.map(|_| String::new()),
        }
    }
}

fn request(record: &Record) -> Vec<KeyValue> {
    let name = method(&record.method);
    let mut attributes = Vec::with_capacity(24);
    attributes.push(text("http.request.method", name));
    if name == OTHER_METHOD {
        attributes.push(text("http.request.method_original", shortened(record.method.as_str())));
    }
    attributes
}

fn method(method: &Method) -> &'static str {
    KnownMethod::of(method).name()
}

fn shortened(value: &str) -> &str {
    value.get(..value.floor_char_boundary(MAX_TEXT)).unwrap_or_default()
}

/// Host and port of an authority.
fn split(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, port.parse().ok())
        }
        _ => (authority, None),
    }
}
