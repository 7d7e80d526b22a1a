//! What lines are made of, and what of a request is kept for them.

use std::borrow::Cow;
use std::sync::Arc;

use backstay_log_format::{Field, Operator};
use backstay_model::telemetry::{AccessLog, Layout, LogFilter, Redaction};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What stands in the place of what is not written in full.
pub(super) const REDACTED: &str = "(redacted)";

/// What lines are made of, and what of a request is kept for them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) layout: Layout,
    /// Lines are written.
    pub(super) written: bool,
    /// Lines are told to a collector.
    pub(super) told: bool,
    /// Requests are told to an access log service.
    pub(super) served: bool,
    pub(crate) filter: LogFilter,
    pub(super) redaction: Redaction,
    request_headers: Box<[HeaderName]>,
    response_headers: Box<[HeaderName]>,
    trailers: Box<[HeaderName]>,
    /// Lines say something of the client's TLS.
    pub(super) tells_tls: bool,
    /// Lines say from which address endpoints were asked.
    pub(crate) tells_local: bool,
    /// The host that this process runs on.
    pub(super) host: Arc<str>,
}

/// Values of headers that a plan asks for, in its order.
pub(crate) type Captured = Box<[Option<HeaderValue>]>;

impl Default for Plan {
    fn default() -> Self {
        Self::new(AccessLog { stdout: true, ..AccessLog::default() })
    }
}

impl Plan {
    /// What `log` asks for.
    pub(crate) fn new(log: AccessLog) -> Self {
        let AccessLog { stdout: written, otlp: told, service, layout, filter, redaction } = log;
        let served = service.is_some();
        let distinct = |names: Vec<HeaderName>| {
            let mut distinct: Vec<HeaderName> = Vec::with_capacity(names.len());
            for name in names {
                if !distinct.contains(&name) {
                    distinct.push(name);
                }
            }
            distinct.into_boxed_slice()
        };
        let operators = || layout.operators();
        let tells_tls = served
            || match &layout {
                Layout::Fields(fields) => fields
                    .names
                    .iter()
                    .any(|field| matches!(field, Field::TlsVersion | Field::TlsCipher | Field::ServerName)),
                _ => operators().any(|operator| {
                    matches!(operator, Operator::TlsVersion | Operator::TlsCipher | Operator::ServerName)
                }),
            };
        let tells_local = served
            || operators().any(|operator| {
                matches!(
                    operator,
                    Operator::UpstreamLocalAddress | Operator::UpstreamLocalIp | Operator::UpstreamLocalPort
                )
            });
        let (request, response) = match &layout {
            Layout::Fields(fields) => (fields.request_headers.clone(), fields.response_headers.clone()),
            _ => (
                operators().flat_map(Operator::request_headers).cloned().collect(),
                operators().flat_map(Operator::response_headers).cloned().collect(),
            ),
        };
        let trailers = operators().flat_map(Operator::trailers).cloned().collect();
        Self {
            request_headers: distinct(request),
            response_headers: distinct(response),
            trailers: distinct(trailers),
            tells_tls,
            tells_local,
            host: host(),
            layout,
            written,
            told,
            served,
            filter,
            redaction,
        }
    }

    /// What lines have of the headers of a request.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> Captured {
        capture(&self.request_headers, headers)
    }

    /// What lines have of the headers of an answer.
    pub(crate) fn of_response(&self, headers: &HeaderMap) -> Captured {
        capture(&self.response_headers, headers)
    }

    /// What lines have of the trailers of an answer.
    pub(crate) fn of_trailers(&self, trailers: &HeaderMap) -> Captured {
        capture(&self.trailers, trailers)
    }

    /// Whether lines have headers of answers.
    pub(crate) fn has_response_headers(&self) -> bool {
        !self.response_headers.is_empty()
    }

    /// Takes from `headers`, which go on, those that tell of the client and that this proxy has made or completed.
    pub(crate) fn complete(&self, captured: &mut Captured, headers: &HeaderMap) {
        const COMPLETED: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "x-request-id"];
        for (name, value) in self.request_headers.iter().zip(captured) {
            if COMPLETED.contains(&name.as_str()) {
                *value = headers.get(name).cloned();
            }
        }
    }

    pub(super) fn request_header<'a>(&self, name: &HeaderName, captured: &'a Captured) -> Option<Cow<'a, [u8]>> {
        self.header(&self.request_headers, name, captured)
    }

    pub(super) fn response_header<'a>(&self, name: &HeaderName, captured: &'a Captured) -> Option<Cow<'a, [u8]>> {
        self.header(&self.response_headers, name, captured)
    }

    pub(super) fn trailer<'a>(&self, name: &HeaderName, captured: &'a Captured) -> Option<Cow<'a, [u8]>> {
        self.header(&self.trailers, name, captured)
    }

    fn header<'a>(&self, names: &[HeaderName], name: &HeaderName, captured: &'a Captured) -> Option<Cow<'a, [u8]>> {
        let (_, value) = names.iter().zip(captured).find(|(known, _)| *known == name)?;
        let value = value.as_ref()?;
        if self.redaction.headers.contains(name) {
            return Some(Cow::Borrowed(REDACTED.as_bytes()));
        }
        // Those that have a target in them.
        let has_target = matches!(name.as_str(), "referer" | "location" | "x-envoy-original-path" | "x-original-url");
        match std::str::from_utf8(value.as_bytes()) {
            Ok(text) if has_target => Some(match self.target(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            _ => Some(Cow::Borrowed(value.as_bytes())),
        }
    }

    /// `target` without the values of query parameters that are not written.
    pub(super) fn target<'a>(&self, target: &'a str) -> Cow<'a, str> {
        let hidden = &self.redaction.query_parameters;
        let Some((path, query)) = target.split_once('?').filter(|_| !hidden.is_empty()) else {
            return Cow::Borrowed(target);
        };
        let is_hidden = |pair: &str| {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            hidden.iter().any(|hidden| **hidden == *name)
        };
        if !query.split('&').any(is_hidden) {
            return Cow::Borrowed(target);
        }
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_hidden(pair) => format!("{name}={REDACTED}"),
            _ => pair.to_owned(),
        });
        Cow::Owned(format!("{path}?{}", pairs.collect::<Vec<_>>().join("&")))
    }
}

fn capture(names: &[HeaderName], headers: &HeaderMap) -> Captured {
    names.iter().map(|name| headers.get(name).cloned()).collect()
}

/// The name of this machine, as the system has it.
fn host() -> Arc<str> {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().into()
}
