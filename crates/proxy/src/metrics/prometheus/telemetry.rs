//! What collectors, and an access log service, were told.

use backstay_telemetry::Signal;

use crate::metrics::Process;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Rise, Rises};

/// Of the process.
pub(super) const FAMILIES: &[Family<Process>] = &[
    Family {
        name: "backstay_telemetry_spans_sent_total",
        help: "Spans that a collector has taken.",
        read: Rise(|process| process.server.telemetry.of(Signal::Traces).sent()),
    },
    Family {
        name: "backstay_telemetry_spans_dropped_total",
        help: "Spans that were lost: there were too many to wait, a collector refused them, or it could not be reached.",
        read: Rises("cause", |process| process.server.telemetry.of(Signal::Traces).dropped().into()),
    },
    Family {
        name: "backstay_telemetry_logs_sent_total",
        help: "Lines of the access log that a collector has taken.",
        read: Rise(|process| process.server.telemetry.of(Signal::Logs).sent()),
    },
    Family {
        name: "backstay_telemetry_logs_dropped_total",
        help: "Lines that no collector was told of: there were too many to wait, it refused them, or it could not be reached.",
        read: Rises("cause", |process| process.server.telemetry.of(Signal::Logs).dropped().into()),
    },
    Family {
        name: "backstay_telemetry_metrics_sent_total",
        help: "Numbers and histograms that a collector has taken.",
        read: Rise(|process| process.server.telemetry.of(Signal::Metrics).sent()),
    },
    Family {
        name: "backstay_telemetry_metrics_dropped_total",
        help: "Numbers and histograms that no collector was told of: it refused them, or could not be reached.",
        read: Rises("cause", |process| process.server.telemetry.of(Signal::Metrics).dropped()[1..].into()),
    },
    Family {
        name: "backstay_telemetry_requests_sent_total",
        help: "Requests that an access log service was told of.",
        read: Rise(|process| process.server.telemetry.of(Signal::Requests).sent()),
    },
    Family {
        name: "backstay_telemetry_requests_dropped_total",
        help: "Requests that no access log service was told of: there were too many to wait, or it could not be reached.",
        read: Rises("cause", |process| {
            let [queue, _, unreachable] = process.server.telemetry.of(Signal::Requests).dropped();
            vec![queue, unreachable]
        }),
    },
    Family {
        name: "backstay_telemetry_failures_total",
        help: "Requests to a collector that failed; what they told is told again, or dropped.",
        read: Rises("signal", |process| {
            let failures = |signal: Signal| (signal.name(), process.server.telemetry.of(signal).failures());
            [Signal::Traces, Signal::Logs, Signal::Metrics, Signal::Requests].map(failures).into()
        }),
    },
    Family {
        name: "backstay_telemetry_request_series",
        help: "Series of how long requests took that collectors are told of.",
        read: Level(|process| Some(process.server.request_times.len() as f64)),
    },
    Family {
        name: "backstay_telemetry_request_series_overflows_total",
        help: "Requests that collectors are told of without method, route and status, since max-request-series were there.",
        read: Rise(|process| process.server.request_times.overflows.get()),
    },
];
