//! Metrics for collectors, read from what those who fetch them are answered: one list of what there is, whoever asks for it.
//!
//! A name is that of `/metrics`, without the ending that only Prometheus gives a counter, and labels keep theirs: behind a collector, boards
//! and alerts find the same series; a family that has a name of the semantic conventions says its unit besides. Sums and histograms are cumulative. Where one has begun anew, what is told begins anew with it.
//!
//! Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"; OTLP, "metrics.proto".

mod sample;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::SystemTime;

use backstay_proto::otlp::common::v1::{KeyValue, any_value};
use backstay_proto::otlp::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, exemplar,
    metric, number_data_point,
};

use self::sample::Sample;
use crate::attribute::{of, text};
use crate::span::nanos;

/// Most numbers and histograms in one request, which stays well below what collectors take.
const MOST: usize = 4000;

/// Reads metrics from text, and remembers since when each only grew.
#[derive(Debug)]
pub struct Reader {
    /// When everything began, in nanoseconds since 1970.
    began: u64,
    /// When it was read before.
    before: u64,
    known: HashMap<String, Known>,
}

/// A series that grows, as it was read before.
#[derive(Debug)]
struct Known {
    value: f64,
    bounds: Vec<f64>,
    start: u64,
}

/// One family, as far as it has been read.
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    /// As the text says it; else the name tells.
    unit: Option<&'a str>,
    kind: Kind,
    numbers: Vec<NumberDataPoint>,
    histograms: Vec<HistogramDataPoint>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Reader {
    /// Of what began then.
    #[must_use]
    pub fn new(began: SystemTime) -> Self {
        let began = nanos(began);
        Self { began, before: began, known: HashMap::new() }
    }

    /// What `text` says, which is in Prometheus' format, perhaps with the exemplars of OpenMetrics. Types that it does not know are left out.
    pub fn read(&mut self, text: &str, now: SystemTime) -> Vec<Metric> {
        let now = nanos(now);
        let mut seen = HashMap::with_capacity(self.known.len());
        let mut metrics = Vec::new();
        let mut family: Option<Family<'_>> = None;
        let mut help = ("", "");
        for line in text.lines() {
            if let Some(described) = line.strip_prefix("# HELP ") {
                help = described.split_once(' ').unwrap_or((described, ""));
            } else if let Some(typed) = line.strip_prefix("# TYPE ") {
                metrics.extend(family.take().and_then(Family::finish));
                family = typed.split_once(' ').and_then(|(name, kind)| {
                    let help = if help.0 == name { help.1 } else { "" };
                    let kind = match kind {
                        "counter" => Kind::Counter,
                        "gauge" => Kind::Gauge,
                        "histogram" => Kind::Histogram,
                        _ => return None,
                    };
                    Some(Family { name, help, unit: None, kind, numbers: Vec::new(), histograms: Vec::new() })
                });
            } else if let Some(counted) = line.strip_prefix("# UNIT ") {
                if let (Some(family), Some((name, unit))) = (&mut family, counted.split_once(' '))
                    && family.name == name
                {
                    family.unit = Some(unit);
                }
            } else if let (Some(family), Some(sample)) = (&mut family, Sample::parse(line)) {
                self.take(family, sample, now, &mut seen);
            }
        }
        metrics.extend(family.and_then(Family::finish));
        // What is not there any more is forgotten.
        self.known = seen;
        self.before = now;
        metrics
    }

    fn take(&self, family: &mut Family<'_>, sample: Sample<'_>, now: u64, seen: &mut HashMap<String, Known>) {
        let part = sample.name.strip_prefix(family.name);
        match (family.kind, part) {
            (Kind::Gauge, Some("")) => {
                let value = number_data_point::Value::AsDouble(sample.value);
                family.numbers.push(number(sample.labels, 0, now, value));
            }
            (Kind::Counter, Some("")) => {
                let start = self.start(&sample, &[], seen);
                let value = match sample.whole.filter(|_| !family.unit_name().ends_with("_seconds")) {
                    Some(whole) => number_data_point::Value::AsInt(whole),
                    None => number_data_point::Value::AsDouble(sample.value),
                };
                family.numbers.push(number(sample.labels, start, now, value));
            }
            (Kind::Histogram, Some("_bucket")) => {
                let Some(index) = sample.labels.iter().position(|(label, _)| *label == "le") else { return };
                let mut labels = sample.labels;
                let (_, bound) = labels.remove(index);
                // The one before is whole once it has a time.
                if family.histograms.last().is_none_or(|last| last.time_unix_nano > 0) {
                    let attributes = attributes(labels);
                    family.histograms.push(HistogramDataPoint { attributes, ..HistogramDataPoint::default() });
                }
                let Some(point) = family.histograms.last_mut() else { return };
                if let Some(bound) = bound.parse().ok().filter(|bound: &f64| bound.is_finite()) {
                    point.explicit_bounds.push(bound);
                }
                point.exemplars.extend(sample.exemplar);
                // Cumulated until it is whole.
                point.bucket_counts.push(sample.whole.and_then(|whole| whole.try_into().ok()).unwrap_or_default());
            }
            (Kind::Histogram, Some("_sum")) => {
                if let Some(point) = family.histograms.last_mut() {
                    point.sum = Some(sample.value);
                }
            }
            (Kind::Histogram, Some("_count")) => {
                let Some(point) = family.histograms.last_mut() else { return };
                let mut before = 0;
                for count in &mut point.bucket_counts {
                    let cumulated = *count;
                    *count = cumulated.saturating_sub(before);
                    before = before.max(cumulated);
                }
                point.count = before;
                point.start_time_unix_nano = self.start(&sample, &point.explicit_bounds, seen);
                point.time_unix_nano = now;
            }
            _ => {}
        }
    }

    /// Since when this series has only grown.
    fn start(&self, sample: &Sample<'_>, bounds: &[f64], seen: &mut HashMap<String, Known>) -> u64 {
        let start = match self.known.get(sample.series) {
            None => self.began,
            Some(known) if known.value > sample.value || known.bounds != bounds => self.before,
            Some(known) => known.start,
        };
        seen.insert(sample.series.to_owned(), Known { value: sample.value, bounds: bounds.to_vec(), start });
        start
    }
}

impl Family<'_> {
    /// Its name, without what says that it is a counter.
    fn unit_name(&self) -> &str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    fn finish(mut self) -> Option<Metric> {
        // One that broke off is not told.
        self.histograms.retain(|point| point.time_unix_nano > 0);
        if self.numbers.is_empty() && self.histograms.is_empty() {
            return None;
        }
        let cumulative = AggregationTemporality::Cumulative.into();
        let (name, description) = (self.unit_name().to_owned(), self.help.to_owned());
        let unit = match (self.unit, name.rsplit_once('_')) {
            (Some(unit), _) => unit,
            (None, Some((_, "seconds"))) => "s",
            (None, Some((_, "bytes"))) => "By",
            _ => "",
        };
        let data = match self.kind {
            Kind::Gauge => metric::Data::Gauge(Gauge { data_points: self.numbers }),
            Kind::Counter => metric::Data::Sum(Sum {
                data_points: self.numbers,
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Kind::Histogram => {
                metric::Data::Histogram(Histogram { data_points: self.histograms, aggregation_temporality: cumulative })
            }
        };
        Some(Metric { name, description, unit: unit.to_owned(), data: Some(data) })
    }
}

/// How many numbers and histograms there are in a metric.
pub(crate) fn points(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(metric::Data::Sum(sum)) => sum.data_points.len(),
        Some(metric::Data::Histogram(histogram)) => histogram.data_points.len(),
    }
}

/// What goes in one request each.
pub(crate) fn batches(metrics: Vec<Metric>) -> Vec<Vec<Metric>> {
    let mut batches: Vec<Vec<Metric>> = Vec::new();
    let mut room = 0;
    for part in metrics.into_iter().flat_map(|metric| divide(metric, MOST)) {
        let count = points(&part);
        match batches.last_mut().filter(|_| count <= room) {
            Some(batch) => batch.push(part),
            None => {
                room = MOST;
                batches.push(vec![part]);
            }
        }
        room -= count;
    }
    batches
}

/// Splits a metric of more than `most` numbers, so that what is told of it fits into requests.
fn divide(metric: Metric, most: usize) -> Vec<Metric> {
    if points(&metric) <= most {
        return vec![metric];
    }
    let Metric { name, description, unit, data } = metric;
    let with =
        |data| Metric { name: name.clone(), description: description.clone(), unit: unit.clone(), data: Some(data) };
    match data {
        None => Vec::new(),
        Some(metric::Data::Gauge(gauge)) => {
            let parts = gauge.data_points.chunks(most);
            parts.map(|part| with(metric::Data::Gauge(Gauge { data_points: part.to_vec() }))).collect()
        }
        Some(metric::Data::Sum(sum)) => {
            let parts = sum.data_points.chunks(most);
            parts.map(|part| with(metric::Data::Sum(Sum { data_points: part.to_vec(), ..sum }))).collect()
        }
        Some(metric::Data::Histogram(histogram)) => {
            let parts = histogram.data_points.chunks(most);
            parts
                .map(|part| with(metric::Data::Histogram(Histogram { data_points: part.to_vec(), ..histogram })))
                .collect()
        }
    }
}

fn attributes(labels: Vec<(&str, String)>) -> Vec<KeyValue> {
    labels.into_iter().map(|(label, value)| attribute(label, value)).collect()
}

/// A label as an attribute. In text all are texts; of these the conventions say otherwise.
fn attribute(label: &str, value: String) -> KeyValue {
    let other = match label {
        "http.response.status_code" => value.parse().ok().map(any_value::Value::IntValue),
        "otel.metric.overflow" => value.parse().ok().map(any_value::Value::BoolValue),
        _ => None,
    };
    match other {
        Some(other) => of(label, other),
        None => text(label, value),
    }
}

fn number(labels: Vec<(&str, String)>, start: u64, now: u64, value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(value),
    }
}

/// An exemplar, as OTLP has it.
fn exemplar(trace_id: Vec<u8>, span_id: Vec<u8>, value: f64, time_unix_nano: u64) -> Exemplar {
    let value = Some(exemplar::Value::AsDouble(value));
    Exemplar { time_unix_nano, value, trace_id: trace_id.into(), span_id: span_id.into() }
}
