//! What a Proxy object says that its fleet tells, as proxies receive it.

use backstay_proto::config::{self, access_log};
use backstay_resources::apoxy::{
    AccessLog, Collector, CollectorHeader, LogFilter, LogRedaction, LogService, Metrics, ProxySpec, Tracing,
};

/// What `spec` says; `None` where it says nothing.
pub(crate) fn telemetry(spec: &ProxySpec) -> Option<config::Telemetry> {
    let access_log = spec.access_log.as_ref().map(access_log);
    let tracing = spec.tracing.as_ref().map(tracing);
    let collector = spec.collector.as_ref().map(collector);
    let metrics = spec.metrics.as_ref().map(metrics);
    let telemetry = config::Telemetry { access_log, tracing, collector, metrics };
    (telemetry != config::Telemetry::default()).then_some(telemetry)
}

fn access_log(spec: &AccessLog) -> config::AccessLog {
    let layout = match spec.text() {
        Some(text) => access_log::Layout::Text(text.to_owned()),
        None if !spec.json_format.is_empty() => {
            access_log::Layout::Formats(config::LogFormats { formats: spec.json_format.clone() })
        }
        None => access_log::Layout::Fields(config::LogFields {
            names: spec.fields.clone(),
            request_headers: spec.request_headers.clone(),
            response_headers: spec.response_headers.clone(),
            unix_times: spec.times == "unix",
        }),
    };
    config::AccessLog {
        otlp: spec.sinks.iter().any(|sink| sink == "otlp"),
        stdout: spec.sinks.is_empty() || spec.sinks.iter().any(|sink| sink == "stdout"),
        layout: Some(layout),
        filter: spec.filter.as_ref().map(filter),
        redaction: spec.redact.as_ref().map(redaction),
        service: spec.service.as_ref().map(service),
    }
}

fn service(spec: &LogService) -> config::AccessLogService {
    let LogService { endpoint, log_name, headers } = spec.clone();
    let at = collector(&Collector { endpoint, headers, ..Collector::default() });
    config::AccessLogService { at: Some(at), log_name }
}

fn tracing(spec: &Tracing) -> config::Tracing {
    let sampling = spec.sampling.clone().unwrap_or_default();
    config::Tracing {
        numerator: sampling.numerator,
        denominator: sampling.denominator.unwrap_or(100),
        propagation: spec.propagation.clone(),
    }
}

fn collector(spec: &Collector) -> config::Collector {
    let header =
        |header: &CollectorHeader| config::CollectorHeader { name: header.name.clone(), value: header.value.clone() };
    config::Collector {
        endpoint: spec.endpoint.clone(),
        protocol: spec.protocol.clone(),
        headers: spec.headers.iter().map(header).collect(),
        uncompressed: spec.compression == "none",
        timeout: spec.timeout.and_then(|timeout| timeout.0.try_into().ok()),
    }
}

fn metrics(spec: &Metrics) -> config::Metrics {
    config::Metrics {
        interval: spec.interval.and_then(|interval| interval.0.try_into().ok()),
        bounds: spec.bounds.iter().map(|bound| bound.0.as_secs_f64()).collect(),
    }
}

fn filter(spec: &LogFilter) -> config::LogFilter {
    let LogFilter { min_status, min_duration, flagged, sample } = *spec;
    config::LogFilter {
        min_status: min_status.unwrap_or_default(),
        // Any duration that is written in Go fits.
        min_duration: min_duration.and_then(|duration| duration.0.try_into().ok()),
        flagged,
        one_in: sample.unwrap_or_default(),
    }
}

fn redaction(spec: &LogRedaction) -> config::Redaction {
    config::Redaction { headers: spec.headers.clone(), query_parameters: spec.query_parameters.clone() }
}
