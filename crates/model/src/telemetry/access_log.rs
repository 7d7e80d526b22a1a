//! The access log, as it is to be.

use std::num::NonZeroU32;
use std::time::Duration;

use backstay_log_format::{Field, Operator, Text, TimeFormat};
use backstay_proto::config::{self, access_log};
use backstay_trace::{Collector, Protocol};
use http::HeaderName;

use super::tracing::collector;
use crate::fault::{Checked, Faults, Together, Within, all, refuse};
use crate::scalar::{header_name, limit};

#[cfg(test)]
mod tests;

/// Most keys, headers or parameters that a list here has.
const MAX_LIST: usize = 64;

/// Headers that are never written in full: they are credentials, or carry some.
pub const SENSITIVE_HEADERS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "fastly-key",
    "x-api-key",
    "x-auth-token",
    "x-amz-security-token",
    "x-csrf-token",
    "www-authenticate",
];

/// The access log of the proxies of a fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessLog {
    /// Lines go to standard output.
    pub stdout: bool,
    /// Lines go to the collector.
    pub otlp: bool,
    /// Who is told of requests as Envoy tells it.
    pub service: Option<LogService>,
    /// What lines are made of.
    pub layout: Layout,
    /// Which requests are logged.
    pub filter: LogFilter,
    /// What is not written in full.
    pub redaction: Redaction,
}

/// A gRPC access log service.
#[derive(Clone, Debug, PartialEq)]
pub struct LogService {
    /// Where it is, and how it is told.
    pub at: Collector,
    /// What the log is called.
    pub log_name: Box<str>,
}

/// What a line is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// An object of JSON with the project's own keys.
    Fields(LogFields),
    /// A text.
    Text(Text),
    /// An object of JSON with keys and formats of the operator's.
    Formats(Vec<(Box<str>, Text)>),
}

/// An object of JSON with the project's own keys.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFields {
    /// The keys, in the order in which lines have them.
    pub names: Vec<Field>,
    /// Headers of requests, below `request_headers`.
    pub request_headers: Vec<HeaderName>,
    /// Headers of answers, below `response_headers`.
    pub response_headers: Vec<HeaderName>,
    /// How times are written.
    pub time: TimeFormat,
}

/// Which requests are logged: those that meet any of the first three, and of the others one in so many, if any; where none of the three
/// is set, one in so many of all, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// The status is this or more, 100 to 599.
    pub min_status: Option<u16>,
    /// It took as long, or longer.
    pub min_duration: Option<Duration>,
    /// Something is flagged.
    pub flagged: bool,
    /// One in so many of the others.
    pub one_in: Option<NonZeroU32>,
}

/// What is not written in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// Headers; those that are [sensitive](SENSITIVE_HEADERS) are among them.
    pub headers: Vec<HeaderName>,
    /// Query parameters, by their names as they stand in the query.
    pub query_parameters: Vec<Box<str>>,
}

impl Default for LogFields {
    /// The usual ones.
    fn default() -> Self {
        let names = Field::ALL.iter().copied().filter(|field| field.is_usual()).collect();
        Self { names, request_headers: Vec::new(), response_headers: Vec::new(), time: TimeFormat::Rfc3339Micros }
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::Fields(LogFields::default())
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self { headers: SENSITIVE_HEADERS.map(HeaderName::from_static).into(), query_parameters: Vec::new() }
    }
}

impl Layout {
    /// The operators in it.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        let (text, formats) = match self {
            Self::Fields(_) => (None, None),
            Self::Text(text) => (Some(text), None),
            Self::Formats(formats) => (None, Some(formats)),
        };
        let formats = formats.into_iter().flatten().map(|(_, text)| text);
        text.into_iter().chain(formats).flat_map(Text::operators)
    }
}

impl LogFilter {
    /// Whether a request is logged that ended so. `draw` has a number below its argument by chance.
    pub fn passes(self, status: u16, duration: Duration, flagged: bool, draw: impl FnOnce(u64) -> u64) -> bool {
        let Self { min_status, min_duration, flagged: if_flagged, one_in } = self;
        let selects = min_status.is_some() || min_duration.is_some() || if_flagged;
        let selected = min_status.is_some_and(|least| status >= least)
            || min_duration.is_some_and(|least| duration >= least)
            || (if_flagged && flagged);
        match one_in {
            _ if selected => true,
            Some(one_in) => draw(one_in.get().into()) == 0,
            None => !selects,
        }
    }
}

impl TryFrom<&config::AccessLog> for AccessLog {
    type Error = Faults;

    fn try_from(message: &config::AccessLog) -> Checked<Self> {
        let layout = match &message.layout {
            None => Ok(Layout::default()),
            Some(access_log::Layout::Fields(given)) => fields(given).within("fields").map(Layout::Fields),
            Some(access_log::Layout::Text(given)) => text(given).within("text").map(Layout::Text),
            Some(access_log::Layout::Formats(given)) => formats(given).map(Layout::Formats),
        };
        let filter = message.filter.as_ref().map(filter).transpose().within("filter");
        let redaction = redaction(message.redaction.as_ref()).within("redaction");
        let service = message.service.as_ref().map(service).transpose().within("service");
        let (layout, filter, redaction, service) = (layout, filter, redaction, service).together()?;
        let filter = filter.unwrap_or_default();
        Ok(Self { stdout: message.stdout, otlp: message.otlp, service, layout, filter, redaction })
    }
}

fn service(message: &config::AccessLogService) -> Checked<LogService> {
    let at = match message.at.as_ref() {
        None => refuse("at", "is required"),
        Some(at) => collector(at).within("at"),
    }?;
    if at.protocol != Protocol::Grpc {
        return refuse("at.protocol", "must be grpc");
    }
    let log_name = if message.log_name.is_empty() { "backstay" } else { &message.log_name };
    Ok(LogService { at, log_name: log_name.into() })
}

fn fields(message: &config::LogFields) -> Checked<LogFields> {
    let names = most("names", message.names.len()).and_then(|()| {
        let known = |(index, name): (usize, &String)| {
            let says = || format!("there is no field {name:?}; there are {}", Field::list());
            Field::of(name).map_or_else(|| refuse(format!("names[{index}]"), says()), Ok)
        };
        all(message.names.iter().enumerate().map(known))
    });
    let request_headers = headers("request_headers", &message.request_headers);
    let response_headers = headers("response_headers", &message.response_headers);
    let (names, request_headers, response_headers) = (names, request_headers, response_headers).together()?;
    let names = if message.names.is_empty() { LogFields::default().names } else { names };
    let time = if message.unix_times { TimeFormat::Unix } else { TimeFormat::Rfc3339Micros };
    Ok(LogFields { names, request_headers, response_headers, time })
}

fn headers(field: &str, names: &[String]) -> Checked<Vec<HeaderName>> {
    most(field, names.len())?;
    all(names.iter().enumerate().map(|(index, name)| header_name(&format!("{field}[{index}]"), name)))
}

fn most(field: &str, count: usize) -> Checked<()> {
    if count > MAX_LIST {
        return refuse(field, format!("has {count} elements: at most {MAX_LIST}"));
    }
    Ok(())
}

fn text(format: &str) -> Checked<Text> {
    Text::parse(format).or_else(|error| refuse("", error.to_string()))
}

fn formats(message: &config::LogFormats) -> Checked<Vec<(Box<str>, Text)>> {
    most("formats", message.formats.len())?;
    let formats = message.formats.iter();
    all(formats.map(|(key, format)| Ok((key.as_str().into(), text(format).within(format_args!("formats[{key}]"))?))))
}

fn filter(message: &config::LogFilter) -> Checked<LogFilter> {
    let min_status = match u16::try_from(message.min_status) {
        Ok(0) => Ok(None),
        Ok(status @ 100..=599) => Ok(Some(status)),
        _ => refuse("min_status", format!("is {}: a status is 100 to 599", message.min_status)),
    };
    let (min_status, min_duration) = (min_status, limit("min_duration", message.min_duration)).together()?;
    Ok(LogFilter { min_status, min_duration, flagged: message.flagged, one_in: NonZeroU32::new(message.one_in) })
}

fn redaction(message: Option<&config::Redaction>) -> Checked<Redaction> {
    let mut redaction = Redaction::default();
    let Some(message) = message else { return Ok(redaction) };
    let parameters = most("query_parameters", message.query_parameters.len());
    let (headers, ()) = (headers("headers", &message.headers), parameters).together()?;
    redaction.headers.extend(headers);
    redaction.query_parameters = message.query_parameters.iter().map(|name| name.as_str().into()).collect();
    Ok(redaction)
}
