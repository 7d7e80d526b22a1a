//! The kinds of things that are told.

use backstay_proto::otlp::collector::{logs, metrics, trace};
use backstay_proto::otlp::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use backstay_proto::otlp::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use backstay_proto::otlp::resource::v1::Resource;
use backstay_proto::otlp::trace::v1::{self, ResourceSpans, ScopeSpans};
use prost::Message;

use crate::metrics::points;
use crate::resource::scope;

/// A kind of things that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metrics.
    Metrics,
    /// Requests, told to Envoy's access log service.
    Requests,
}

impl Signal {
    /// Those that collectors of OpenTelemetry are told of.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// Its name, as in labels and in paths.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Requests => "requests",
        }
    }

    /// The path below a collector's address that it is sent to over HTTP.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
            // They are not told so.
            Self::Requests => "",
        }
    }

    /// The method that it is sent by over gRPC.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Requests => "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
        }
    }
}

/// One of the things that are told, many of which go in one request.
pub(crate) trait Told: Sized + Send + 'static {
    /// The request that tells `items` of `resource`, encoded.
    fn request(items: Vec<Self>, resource: &Resource) -> Vec<u8>;

    /// How many it counts as.
    fn count(&self) -> u64 {
        1
    }
}

impl Told for v1::Span {
    fn request(spans: Vec<Self>, resource: &Resource) -> Vec<u8> {
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans }];
        let resource = Some(resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        trace::v1::ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }
}

impl Told for LogRecord {
    fn request(log_records: Vec<Self>, resource: &Resource) -> Vec<u8> {
        let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records }];
        let resource = Some(resource.clone());
        let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
        logs::v1::ExportLogsServiceRequest { resource_logs }.encode_to_vec()
    }
}

impl Told for Metric {
    fn request(metrics: Vec<Self>, resource: &Resource) -> Vec<u8> {
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics }];
        let resource = Some(resource.clone());
        let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
        metrics::v1::ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
    }

    fn count(&self) -> u64 {
        points(self) as u64
    }
}

/// How many of what was sent a collector has refused, and why, by its answer. The answers of all signals are of one shape.
pub(crate) fn refused(answer: &[u8]) -> (u64, String) {
    let partial = trace::v1::ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partial.map_or_else(Default::default, |partial| {
        (u64::try_from(partial.rejected_spans).unwrap_or_default(), partial.error_message)
    })
}
