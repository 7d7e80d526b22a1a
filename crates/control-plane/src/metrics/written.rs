//! What is written beside what a recorder has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use backstay_kube::Events;
use backstay_kube::events::Forgotten;
use backstay_telemetry::process::Usage;
use backstay_telemetry::{Counts, Signal};

use crate::reports::Reports;

/// Appends how many proxies have not answered what they were sent, and for how long, of each fleet.
pub(super) fn write_lags(text: &mut String, lags: &BTreeMap<Arc<str>, (usize, Duration)>) {
    if lags.is_empty() {
        return;
    }
    let name = "backstay_xds_pending_proxies";
    let _ = writeln!(text, "# HELP {name} Connected proxies that have not answered all that they were sent.");
    let _ = writeln!(text, "# TYPE {name} gauge");
    for (fleet, (count, _)) in lags {
        let _ = writeln!(text, "{name}{{fleet=\"{fleet}\"}} {count}");
    }
    let name = "backstay_xds_lag_seconds";
    let _ =
        writeln!(text, "# HELP {name} For how long the proxy that takes longest has not answered what it was sent.");
    let _ = writeln!(text, "# TYPE {name} gauge");
    for (fleet, (_, longest)) in lags {
        let _ = writeln!(text, "{name}{{fleet=\"{fleet}\"}} {}", longest.as_secs_f64());
    }
    text.push('\n');
}

/// Appends how backends fare. These series come and go with what proxies report, which a recorder does not have them do.
pub(super) fn write_health(text: &mut String, reports: &Reports) {
    const NAME: &str = "backstay_backend_proxies";
    let counts = reports.counts();
    if counts.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {NAME} Connected proxies that report on a backend, by the health they see.");
    let _ = writeln!(text, "# TYPE {NAME} gauge");
    for (resource, count) in counts {
        let name = resource.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        for (health, proxies) in
            [("healthy", count.healthy), ("degraded", count.degraded), ("unhealthy", count.unhealthy)]
        {
            let _ = writeln!(text, "{NAME}{{backend=\"{name}\",health=\"{health}\"}} {proxies}");
        }
    }
    text.push('\n');
}

/// Appends how many events there are, and how many were given up for which limit.
pub(super) fn write_events(text: &mut String, events: &Events) {
    let gauges = [
        ("backstay_events", "Events that are kept.", events.count()),
        ("backstay_events_bytes", "Bytes of the events that are kept.", events.bytes()),
    ];
    for (name, help, value) in gauges {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    let name = "backstay_events_forgotten_total";
    let _ = writeln!(text, "# HELP {name} Events that made room, by the limit.\n# TYPE {name} counter");
    let Forgotten { objects, bytes, age } = events.forgotten();
    for (limit, count) in [("max_events", objects), ("max_events_bytes", bytes), ("event_ttl", age)] {
        let _ = writeln!(text, "{name}{{limit=\"{limit}\"}} {count}");
    }
}

/// Appends what the process uses, under the names that client libraries of Prometheus have for it.
pub(super) fn write_process(text: &mut String, usage: &Usage) {
    let Usage { open_files, max_files, resident, cpu, started } = *usage;
    let shown = |value: Option<u64>| value.map(|value| value.to_string());
    let families = [
        ("process_open_fds", "gauge", "Open file descriptors.", shown(open_files.map(|open| open as u64))),
        ("process_max_fds", "gauge", "How many file descriptors may be open.", shown(max_files)),
        ("process_resident_memory_bytes", "gauge", "Memory in use.", shown(resident)),
        ("process_cpu_seconds_total", "counter", "Processor time used.", Some(cpu.to_string())),
        (
            "process_start_time_seconds",
            "gauge",
            "When the process started, in seconds since 1970.",
            started.map(|started| started.to_string()),
        ),
    ];
    for (name, kind, help, value) in families {
        if let Some(value) = value {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
}

/// Appends what collectors were told, under the names that proxies have for it.
pub(super) fn write_telemetry(text: &mut String, counts: &Counts) {
    let told = [(Signal::Traces, "spans", "Spans"), (Signal::Metrics, "metrics", "Numbers and histograms")];
    for (signal, name, what) in told {
        let (name, counts) = (format!("backstay_telemetry_{name}"), counts.of(signal));
        let _ = writeln!(text, "# HELP {name}_sent_total {what} that a collector has taken.");
        let _ = writeln!(text, "# TYPE {name}_sent_total counter\n{name}_sent_total {}", counts.sent());
        let _ = writeln!(text, "# HELP {name}_dropped_total {what} that no collector was told of, by the cause.");
        let _ = writeln!(text, "# TYPE {name}_dropped_total counter");
        for (cause, count) in counts.dropped() {
            let _ = writeln!(text, "{name}_dropped_total{{cause=\"{cause}\"}} {count}");
        }
    }
    let name = "backstay_telemetry_failures_total";
    let _ = writeln!(text, "# HELP {name} Requests to a collector that failed.\n# TYPE {name} counter");
    for (signal, _, _) in told {
        let _ = writeln!(text, "{name}{{signal=\"{}\"}} {}", signal.name(), counts.of(signal).failures());
    }
}
