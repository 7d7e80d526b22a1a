#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use super::*;

const TEXT: &str = r##"# HELP a_requests_total Requests, by class.
# TYPE a_requests_total counter
a_requests_total{backend="backend/\"b\\",class="2xx"} 7
a_requests_total{backend="c",class="2xx"} 1

# HELP process_cpu_seconds_total Time.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 3
# TYPE a_memory_bytes gauge
a_memory_bytes 12
# TYPE a_empty gauge
# TYPE a_quantiles summary
a_quantiles{quantile="0.5"} 1
# TYPE a_seconds histogram
a_seconds_bucket{backend="b",le="0.1"} 2
a_seconds_bucket{backend="b",le="1"} 5 # {trace_id="0102030405060708090a0b0c0d0e0f10",span_id="0102030405060708"} 0.5 1700000000.250
a_seconds_bucket{backend="b",le="+Inf"} 6
a_seconds_sum{backend="b"} 4.5
a_seconds_count{backend="b"} 6
a_seconds_bucket{backend="c",le="0.1"} 0
a_seconds_bucket{backend="c",le="+Inf"} 1
a_seconds_sum{backend="c"} 2
a_seconds_count{backend="c"} 1
"##;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn sum(metric: &Metric) -> &Sum {
    match metric.data.as_ref().unwrap() {
        metric::Data::Sum(sum) => sum,
        other => panic!("{other:?}"),
    }
}

fn histogram(metric: &Metric) -> &Histogram {
    match metric.data.as_ref().unwrap() {
        metric::Data::Histogram(histogram) => histogram,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_family_is_told_as_what_it_is() {
    let metrics = Reader::new(at(1)).read(TEXT, at(2));
    let named: Vec<_> = metrics.iter().map(|metric| (&*metric.name, &*metric.unit)).collect();
    let expected = [("a_requests", ""), ("process_cpu_seconds", "s"), ("a_memory_bytes", "By"), ("a_seconds", "s")];
    assert_eq!(named, expected);
    assert_eq!(metrics[0].description, "Requests, by class.");
    let requests = sum(&metrics[0]);
    assert!(requests.is_monotonic && requests.aggregation_temporality() == AggregationTemporality::Cumulative);
    let first = &requests.data_points[0];
    assert_eq!(first.value, Some(number_data_point::Value::AsInt(7)));
    assert_eq!(first.attributes, [text("backend", "backend/\"b\\"), text("class", "2xx")]);
    assert_eq!((first.start_time_unix_nano, first.time_unix_nano), (1_000_000_000, 2_000_000_000));
    let cpu = &sum(&metrics[1]).data_points[0];
    assert_eq!(cpu.value, Some(number_data_point::Value::AsDouble(3.0)), "seconds may have a fraction the next time");
    let [b, c] = &histogram(&metrics[3]).data_points[..] else { panic!("{:?}", metrics[3]) };
    assert_eq!(
        (b.count, b.sum, &*b.bucket_counts, &*b.explicit_bounds),
        (6, Some(4.5), &[2, 3, 1][..], &[0.1, 1.0][..])
    );
    assert_eq!((c.count, &*c.bucket_counts, &*c.attributes), (1, &[0, 1][..], &[text("backend", "c")][..]));
    let exemplar = &b.exemplars[0];
    assert_eq!(
        (exemplar.trace_id[15], exemplar.span_id[7], exemplar.time_unix_nano),
        (16, 8, 1_700_000_000_250_000_000)
    );
    assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(0.5)));
}

#[test]
fn what_begins_anew_says_so() {
    let mut reader = Reader::new(at(1));
    let starts = |metrics: &[Metric]| {
        let histogram = &histogram(metrics.last().unwrap()).data_points;
        (
            sum(&metrics[0]).data_points[0].start_time_unix_nano / 1_000_000_000,
            histogram[1].start_time_unix_nano / 1_000_000_000,
        )
    };
    assert_eq!(starts(&reader.read(TEXT, at(2))), (1, 1));
    assert_eq!(starts(&reader.read(TEXT, at(3))), (1, 1));
    let other_bounds = TEXT.replace("backend=\"c\",le=\"0.1\"", "backend=\"c\",le=\"0.2\"");
    assert_eq!(starts(&reader.read(&other_bounds.replace("\"2xx\"} 7", "\"2xx\"} 6"), at(4))), (3, 3));
    assert_eq!(starts(&reader.read(&other_bounds, at(5))), (3, 3));
}

#[test]
fn what_is_too_much_for_one_request_goes_in_several() {
    let metric = Reader::new(at(1)).read(TEXT, at(2)).swap_remove(0);
    let parts = divide(metric.clone(), 1);
    assert_eq!((parts.len(), parts.iter().map(points).sum::<usize>()), (2, 2));
    assert!(parts.iter().all(|part| part.name == "a_requests" && sum(part).is_monotonic));
    assert_eq!(divide(metric.clone(), 2), [metric]);
}

#[test]
fn what_is_no_sample_is_left_out() {
    for line in ["", "# EOF", "a", "a{b=\"c", "a{b} 1", "a x", "{a=\"b\"} 1", "a{b=\"c\\"] {
        let text = format!("# TYPE a gauge\n{line}\n");
        assert_eq!(Reader::new(at(1)).read(&text, at(2)), [], "{line}");
    }
}

#[test]
fn names_of_the_conventions_are_told_with_their_unit_and_types() {
    let name = "http.server.request.duration";
    let labels = r#"http.request.method="GET",http.route="/a b{c}/*",http.response.status_code="503""#;
    let text = format!(
        "# HELP {name} Duration.\n# TYPE {name} histogram\n# UNIT {name} s\n# UNIT other By\n\
         {name}_bucket{{{labels},le=\"0.5\"}} 1\n{name}_bucket{{{labels},le=\"+Inf\"}} 2\n{name}_sum{{{labels}}} 1.5\n\
         {name}_count{{{labels}}} 2\n{name}_bucket{{otel.metric.overflow=\"true\",le=\"+Inf\"}} 1\n\
         {name}_sum{{otel.metric.overflow=\"true\"}} 1\n{name}_count{{otel.metric.overflow=\"true\"}} 1\n"
    );
    let [metric] = &Reader::new(at(1)).read(&text, at(2))[..] else { panic!("{text}") };
    assert_eq!((&*metric.name, &*metric.unit), (name, "s"));
    let [of, beyond] = &histogram(metric).data_points[..] else { panic!("{metric:?}") };
    let status = crate::attribute::of("http.response.status_code", any_value::Value::IntValue(503));
    assert_eq!(
        of.attributes,
        [
            crate::attribute::text("http.request.method", "GET"),
            crate::attribute::text("http.route", "/a b{c}/*"),
            status
        ]
    );
    assert_eq!((of.count, of.sum, &*of.bucket_counts), (2, Some(1.5), &[1, 1][..]));
    assert_eq!(beyond.attributes, [crate::attribute::of("otel.metric.overflow", any_value::Value::BoolValue(true))]);
}
