//! A line for each request.

use std::collections::BTreeMap;

use backstay_log_format::{Field, Named, Text};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tracing::{Collector, CollectorHeader};
use crate::GoDuration;
use crate::field::{FieldPath, Findings};

/// Most elements of a list or map here.
const MAX_LIST: usize = 64;

/// Where lines may go. A file is named by `backstay proxy --access-log` alone: who may write this object may not write any file.
const SINKS: [&str; 3] = ["stdout", "otlp", "als"];

const TIMES: [&str; 2] = ["rfc3339", "unix"];

/// A line for each request. Options of `backstay proxy` that say the same win on their machine. Envoy: `access_log`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AccessLog {
    /// Where lines go: `stdout`, `otlp` for the collector, and `als` for the service. Default: to standard output. Where a proxy has
    /// `--access-log`, they go there instead of to standard output. Envoy: `open_telemetry`, `http_grpc`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub sinks: Vec<String>,
    /// What a line is made of: `json`, the default; `envoy`, Envoy's own default format; `common` or `combined`, as Apache and nginx
    /// have them; or a format string of Envoy's operators, such as `%START_TIME% %RESPONSE_CODE%`. Envoy: `text_format_source`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// Keys of lines of JSON, in their order. Default: the usual ones. Only where format is `json`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub fields: Vec<String>,
    /// Format strings by the keys of lines of JSON, in place of the project's own. Only where format is `json`. Envoy: `json_format`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub json_format: BTreeMap<String, String>,
    /// Headers of requests that lines of JSON have, below `request_headers`. Default none. Only without jsonFormat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub request_headers: Vec<String>,
    /// Headers of answers that lines of JSON have, below `response_headers`. Default none. Only without jsonFormat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub response_headers: Vec<String>,
    /// How lines of JSON have times: `rfc3339`, the default, or `unix`, seconds since 1970. Only without jsonFormat.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub times: String,
    /// Which requests have a line. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<LogFilter>,
    /// What is not written in full. Default: headers that carry credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<LogRedaction>,
    /// The service that is told of requests. Only where sinks has `als`. Envoy: `http_grpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<LogService>,
}

/// A service of `envoy.service.accesslog.v3`. What lines are made of is of no matter to it, but for the headers. Envoy: `http_grpc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LogService {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub endpoint: String,
    /// What it is told that the log is called. Default `backstay`. Envoy: `log_name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log_name: String,
    /// Sent as each stream begins. Who may read this object reads them here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<CollectorHeader>,
}

/// Which requests have a line. Where one of minStatus, minDuration and flagged is set, those that meet any of them have one, and of
/// the others one in `sample`, or none. Where none of the three is set, one in `sample` of all. Envoy: `filter`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LogFilter {
    /// The status is this or more. 100 to 599. Envoy: `status_code_filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_status: Option<u32>,
    /// The request took as long, or longer. Envoy: `duration_filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_duration: Option<GoDuration>,
    /// Something went wrong that has a flag. Envoy: `response_flag_filter`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
    /// One in so many of the others, by chance; at least 1. Envoy: `runtime_filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<u32>,
}

/// What is not written in full, beside `Authorization`, `Cookie`, `Set-Cookie`, `Fastly-Key` and their like, which never are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LogRedaction {
    /// Names of headers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub headers: Vec<String>,
    /// Names of query parameters, as they stand in the query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub query_parameters: Vec<String>,
}

impl AccessLog {
    /// Whether lines are objects of JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self.format.as_str(), "" | "json")
    }

    /// The format string of lines that are no JSON: what the format names, or is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        (!self.is_json()).then(|| match Named::of(&self.format) {
            Some(named) => named.format(),
            None => &self.format,
        })
    }

    /// Finds what of it cannot be honoured.
    pub(crate) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        for (index, sink) in self.sinks.iter().enumerate() {
            findings.one_of(&path.child("sinks").index(index), sink, &SINKS);
        }
        let (service, served) = (path.child("service"), self.sinks.iter().any(|sink| sink == "als"));
        match &self.service {
            None if served => findings.required(&service, "where sinks has als"),
            Some(_) if !served => findings.forbidden(&service, "is of no use where sinks has no als"),
            None => {}
            // What is asked of a collector is asked of it.
            Some(LogService { endpoint, headers, .. }) => {
                let (endpoint, headers) = (endpoint.clone(), headers.clone());
                Collector { endpoint, headers, ..Collector::default() }.check(&service, findings);
            }
        }
        self.check_format(path, findings);
        let fields = path.child("fields");
        if findings.most(&fields, self.fields.len(), MAX_LIST) {
            let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
            for (index, field) in self.fields.iter().enumerate() {
                findings.one_of(&fields.index(index), field, &known);
            }
        }
        let formats = path.child("jsonFormat");
        if findings.most(&formats, self.json_format.len(), MAX_LIST) {
            for (key, format) in &self.json_format {
                check_text(&formats.key(key), format, findings);
            }
        }
        check_headers(&path.child("requestHeaders"), &self.request_headers, findings);
        check_headers(&path.child("responseHeaders"), &self.response_headers, findings);
        if !self.times.is_empty() {
            findings.one_of(&path.child("times"), &self.times, &TIMES);
        }
        if let Some(filter) = &self.filter {
            filter.check(&path.child("filter"), findings);
        }
        if let Some(redact) = &self.redact {
            let path = path.child("redact");
            check_headers(&path.child("headers"), &redact.headers, findings);
            findings.most(&path.child("queryParameters"), redact.query_parameters.len(), MAX_LIST);
        }
    }

    /// Each way to say what lines are made of excludes the others.
    fn check_format(&self, path: &FieldPath, findings: &mut Findings) {
        let own = [
            ("fields", !self.fields.is_empty()),
            ("requestHeaders", !self.request_headers.is_empty()),
            ("responseHeaders", !self.response_headers.is_empty()),
            ("times", !self.times.is_empty()),
        ];
        let given = own.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        let formats = !self.json_format.is_empty();
        if let Some(text) = self.text() {
            let field = path.child("format");
            if Named::of(&self.format).is_none() && !self.format.contains('%') {
                findings.one_of(
                    &field,
                    &self.format,
                    &["json", "envoy", "common", "combined", "a string with %OPERATORS%"],
                );
            } else {
                check_text(&field, text, findings);
            }
            for name in given.chain(formats.then_some("jsonFormat")) {
                findings.forbidden(&path.child(name), "may only be specified when format is json");
            }
        } else if formats {
            for name in given {
                findings.forbidden(&path.child(name), "may not be specified together with jsonFormat");
            }
        }
    }
}

impl LogFilter {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(status) = self.min_status {
            findings.within(&path.child("minStatus"), status, &(100..=599));
        }
        if let Some(duration) = self.min_duration.filter(|duration| duration.0.is_zero()) {
            findings.invalid(&path.child("minDuration"), &duration.to_string(), "must be greater than 0");
        }
        if let Some(sample) = self.sample {
            findings.within(&path.child("sample"), sample, &(1..=u32::MAX));
        }
    }
}

fn check_text(path: &FieldPath, format: &str, findings: &mut Findings) {
    if let Err(error) = Text::parse(format) {
        findings.invalid(path, format, &error.to_string());
    }
}

fn check_headers(path: &FieldPath, names: &[String], findings: &mut Findings) {
    if !findings.most(path, names.len(), MAX_LIST) {
        return;
    }
    for (index, name) in names.iter().enumerate() {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            findings.invalid(&path.index(index), name, "must be the name of a header");
        }
    }
}
