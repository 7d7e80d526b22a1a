//! Which requests are traced, and who is told.

use std::time::Duration;

use backstay_trace::{Collector as Known, CollectorError, Format, Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;
use crate::field::{FieldError, FieldPath, Findings};

const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];
const COMPRESSIONS: [&str; 2] = ["gzip", "none"];
const FORMATS: [&str; 3] = ["w3c", "b3", "b3multi"];
const MAX_HEADERS: usize = 32;
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// Which requests are traced: those of callers whose traces are sampled, and a share of those that have none. Envoy: `tracing`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Tracing {
    /// The share. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// How traces go on to endpoints, beside the way that they came: `w3c`, the default, `b3`, `b3multi`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub propagation: Vec<String>,
}

/// A share of requests. Envoy: `random_sampling`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Sampling {
    /// How many. At most the denominator.
    pub numerator: u32,
    /// Of how many. At least 1, default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denominator: Option<u32>,
}

/// A collector of OpenTelemetry. Envoy: `open_telemetry`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Collector {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub endpoint: String,
    /// `grpc`, the default, or `http/protobuf`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Sent with each request. Tokens are better kept in the variable `OTEL_EXPORTER_OTLP_HEADERS` of a proxy: who may read this object
    /// reads them here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<CollectorHeader>,
    /// `gzip`, the default, or `none`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compression: String,
    /// For one request. Default 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

/// A header for a collector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectorHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Tracing {
    /// Finds what of it cannot be honoured.
    pub(crate) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(Sampling { numerator, denominator }) = self.sampling.clone() {
            let (path, denominator) = (path.child("sampling"), denominator.unwrap_or(100));
            findings.within(&path.child("denominator"), denominator, &(1..=u32::MAX));
            findings.within(&path.child("numerator"), numerator, &(0..=denominator.max(1)));
        }
        for (index, name) in self.propagation.iter().enumerate() {
            if Format::of(name).is_none() || !FORMATS.contains(&name.as_str()) {
                findings.add(FieldError::not_supported(path.child("propagation").index(index), name, &FORMATS));
            }
        }
    }
}

impl Collector {
    /// Finds what of it cannot be honoured.
    pub(crate) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if !self.protocol.is_empty() && !findings.one_of(&path.child("protocol"), &self.protocol, &PROTOCOLS) {
            return;
        }
        if !self.compression.is_empty() {
            findings.one_of(&path.child("compression"), &self.compression, &COMPRESSIONS);
        }
        if let Some(timeout) = self.timeout.filter(|timeout| timeout.0.is_zero() || timeout.0 > MAX_TIMEOUT) {
            findings.invalid(&path.child("timeout"), &timeout.to_string(), "must be greater than 0s and at most 60s");
        }
        let protocol = Protocol::parse(&self.protocol).unwrap_or_default();
        let mut known = match Known::new(&self.endpoint, protocol) {
            Ok(known) => known,
            Err(_) if self.endpoint.is_empty() => return findings.required(&path.child("endpoint"), ""),
            Err(error) => return findings.invalid(&path.child("endpoint"), &self.endpoint, &error.to_string()),
        };
        let headers = path.child("headers");
        if findings.most(&headers, self.headers.len(), MAX_HEADERS) {
            for (index, header) in self.headers.iter().enumerate() {
                // The value is not repeated: it may be a token.
                if let Err(CollectorError::Header(name)) = known.header(&header.name, &header.value) {
                    let detail =
                        "must be the name of a header that is not the protocol's own, with a value that can be sent";
                    findings.invalid(&headers.index(index).child("name"), &name, detail);
                }
            }
        }
    }
}
