use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Gauge, Histogram, HistogramFn};

use super::Exposition;
use crate::config::BackendMetrics;

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What is counted for one backend, across all versions of it.
#[derive(Debug, Default)]
pub(crate) struct BackendCounts {
    requests: [Arc<AtomicU64>; 5],
    active: Arc<AtomicU64>,
    connects: Arc<AtomicU64>,
    connect_failures: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    timeouts: Arc<AtomicU64>,
    retries: Arc<AtomicU64>,
    ejections: Arc<AtomicU64>,
    panics: Arc<AtomicU64>,
    latency: Arc<Latency>,
}

#[derive(Debug, Default)]
struct Latency {
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    microseconds: AtomicU64,
}

impl HistogramFn for Latency {
    fn record(&self, seconds: f64) {
        if let Some(bucket) = self.buckets.get(BUCKETS.partition_point(|bound| *bound < seconds)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        // Negative or absurd times saturate.
        self.microseconds.fetch_add((seconds * 1e6) as u64, Ordering::Relaxed);
    }
}

impl BackendCounts {
    /// The handles that the request path counts with.
    pub(crate) fn handles(&self) -> BackendMetrics {
        let counter = |count: &Arc<AtomicU64>| Counter::from_arc(Arc::clone(count));
        let gauge = |value: &Arc<AtomicU64>| Gauge::from_arc(Arc::clone(value));
        BackendMetrics {
            requests: self.requests.each_ref().map(counter),
            active: gauge(&self.active),
            connects: counter(&self.connects),
            connect_failures: counter(&self.connect_failures),
            connections: gauge(&self.connections),
            timeouts: counter(&self.timeouts),
            retries: counter(&self.retries),
            ejections: counter(&self.ejections),
            panics: counter(&self.panics),
            latency: Histogram::from_arc(Arc::clone(&self.latency)),
        }
    }

    /// Whether anything ever happened.
    fn used(&self) -> bool {
        let counts = self.requests.iter().chain([&self.connects, &self.connect_failures, &self.timeouts]);
        counts.into_iter().any(|count| count.load(Ordering::Relaxed) > 0)
    }
}

fn gauge_value(gauge: &AtomicU64) -> f64 {
    f64::from_bits(gauge.load(Ordering::Relaxed))
}

/// Writes what is counted for `backends`, those that were never used left out.
pub(crate) fn write_backends<'a>(text: &mut Exposition, backends: impl Iterator<Item = (&'a str, &'a BackendCounts)>) {
    let used: Vec<_> = backends.filter(|(_, counts)| counts.used()).collect();
    let name = "backstay_backend_requests_total";
    text.family(name, "counter", "Requests sent to a backend, by class of the status that the client saw.");
    for (backend, counts) in &used {
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(&counts.requests) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                text.sample(name, &[("backend", backend), ("class", class)], count);
            }
        }
    }
    type Read = fn(&BackendCounts) -> f64;
    let plain: [(&str, &str, &str, Read); 8] = [
        ("backstay_backend_active_requests", "gauge", "Requests being served by a backend.", |counts| {
            gauge_value(&counts.active)
        }),
        ("backstay_backend_connections", "gauge", "Connections to a backend open now.", |counts| {
            gauge_value(&counts.connections)
        }),
        ("backstay_backend_connects_total", "counter", "Connections to a backend established.", |counts| {
            count_value(&counts.connects)
        }),
        (
            "backstay_backend_connect_failures_total",
            "counter",
            "Connections to a backend that could not be established.",
            |counts| count_value(&counts.connect_failures),
        ),
        (
            "backstay_backend_timeouts_total",
            "counter",
            "Requests answered 504 because a timeout of the route passed.",
            |counts| count_value(&counts.timeouts),
        ),
        (
            "backstay_backend_retries_total",
            "counter",
            "Requests sent again, by policy or because a kept connection was closed.",
            |counts| count_value(&counts.retries),
        ),
        ("backstay_backend_ejections_total", "counter", "Endpoints ejected as outliers.", |counts| {
            count_value(&counts.ejections)
        }),
        (
            "backstay_backend_panic_requests_total",
            "counter",
            "Requests whose endpoint was chosen whatever its health.",
            |counts| count_value(&counts.panics),
        ),
    ];
    for (name, kind, help, read) in plain {
        text.family(name, kind, help);
        for (backend, counts) in &used {
            text.sample(name, &[("backend", backend)], read(counts));
        }
    }
    text.family(
        "backstay_backend_latency_seconds",
        "histogram",
        "Time from a request's head to the end of the answer's head.",
    );
    for (backend, counts) in &used {
        write_latency(text, backend, &counts.latency);
    }
}

fn count_value(count: &AtomicU64) -> f64 {
    count.load(Ordering::Relaxed) as f64
}

fn write_latency(text: &mut Exposition, backend: &str, latency: &Latency) {
    // Read before the buckets: a sample in between makes the total grow, never shrink below them.
    let mut sum = 0;
    for (bound, bucket) in BUCKETS.iter().zip(&latency.buckets) {
        sum += bucket.load(Ordering::Relaxed);
        let bound = bound.to_string();
        text.sample("backstay_backend_latency_seconds_bucket", &[("backend", backend), ("le", &bound)], sum);
    }
    let count = latency.count.load(Ordering::Relaxed).max(sum);
    text.sample("backstay_backend_latency_seconds_bucket", &[("backend", backend), ("le", "+Inf")], count);
    let seconds = latency.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
    text.sample("backstay_backend_latency_seconds_sum", &[("backend", backend)], seconds);
    text.sample("backstay_backend_latency_seconds_count", &[("backend", backend)], count);
}
