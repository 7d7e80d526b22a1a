//! Metrics: bounds, exemplars, and what a collector is told.

use std::net::SocketAddr;

use backstay_proto::config::{Collector, Metrics, Telemetry, Tracing, resource};
use backstay_proto::otlp::common::v1::KeyValue;
use backstay_proto::otlp::common::v1::any_value::Value;
use backstay_proto::otlp::metrics::v1::metric::Data;
use backstay_proto::otlp::metrics::v1::{HistogramDataPoint, Metric};
use backstay_proxy::Proxy;

use crate::collector::Collector as Told;
use crate::plane::{ControlPlane, free_port};
use crate::traffic::{Upstream, get, send};
use crate::{acknowledged, admin, all, options, rejected};

fn telemetry(collector: Option<SocketAddr>, interval: Option<i64>, bounds: &[f64], traced: bool) -> resource::Kind {
    let interval = interval.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
    let endpoint = collector.map(|address| format!("http://{address}"));
    resource::Kind::Telemetry(Telemetry {
        tracing: traced.then(|| Tracing { numerator: 1, denominator: 1, propagation: vec![] }),
        collector: endpoint.map(|endpoint| Collector { endpoint, ..Collector::default() }),
        metrics: Some(Metrics { interval, bounds: bounds.to_vec() }),
        ..Telemetry::default()
    })
}

fn latency(metrics: &[Metric]) -> Option<&HistogramDataPoint> {
    let metric = metrics.iter().find(|metric| metric.name == "backstay_backend_latency_seconds")?;
    match metric.data.as_ref()? {
        Data::Histogram(histogram) => histogram.data_points.first(),
        _ => None,
    }
}

#[tokio::test]
async fn a_collector_is_told_what_the_fleet_asks_for() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut told = Told::start().await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    plane.put(vec![("telemetry/edge", telemetry(Some(told.address), Some(1), &[0.5, 30.0], false))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    let arriving = async {
        loop {
            let metrics = told.metrics().await;
            if let Some(point) = latency(&metrics).filter(|point| point.count == 1) {
                break (metrics.clone(), point.clone());
            }
        }
    };
    // Only ends a test that would otherwise hang.
    let (metrics, point) = tokio::time::timeout(std::time::Duration::from_secs(60), arriving).await.unwrap();
    assert_eq!(point.explicit_bounds, [0.5, 30.0]);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 1);
    assert!(point.start_time_unix_nano > 0 && point.start_time_unix_nano < point.time_unix_nano);
    for name in ["backstay_backend_requests", "backstay_connections", "process_cpu_seconds", "backstay_build_info"] {
        assert!(metrics.iter().any(|metric| metric.name == name), "{name} is not told");
    }
    proxy.shutdown().await;
}

/// The attributes of each series of how long requests took, and how many there were.
fn durations(metrics: &[Metric]) -> Vec<(String, u64)> {
    let Some(metric) = metrics.iter().find(|metric| metric.name == "http.server.request.duration") else {
        return Vec::new();
    };
    assert_eq!(metric.unit, "s");
    let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
    let points = histogram.data_points.iter().map(|point| {
        let value = |attribute: &KeyValue| match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => format!("{}={text:?}", attribute.key),
            Value::IntValue(number) => format!("{}={number}", attribute.key),
            other => panic!("{other:?}"),
        };
        (point.attributes.iter().map(value).collect::<Vec<_>>().join(" "), point.count)
    });
    points.collect()
}

#[tokio::test]
async fn a_collector_is_told_how_long_requests_took_by_the_names_that_its_boards_expect() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut told = Told::start().await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/before").await.0, 200);
    plane.put(vec![("telemetry/edge", telemetry(Some(told.address), Some(1), &[], false))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/one").await.0, 200);
    assert_eq!(get(listen, "any.example", "/two").await.0, 200);
    assert_eq!(send(SocketAddr::from(([127, 0, 0, 1], listen)), "PURGE", "any.example", "/").await.0, 200);
    plane.put(all(listen, "127.0.0.1", free_port()));
    acknowledged(&mut plane, 3).await;
    assert_eq!(get(listen, "any.example", "/three").await.0, 503);
    assert_eq!(get(listen, "", "/").await.0, 400);
    let rest =
        |status| format!("http.response.status_code={status} network.protocol.version=\"1.1\" url.scheme=\"http\"");
    let failed = |status| rest(status).replace(" network", &format!(" error.type=\"{status}\" network"));
    let expected = [
        (format!("http.request.method=\"GET\" {}", rest(400)), 1),
        (format!("http.request.method=\"GET\" http.route=\"/*\" {}", rest(200)), 2),
        (format!("http.request.method=\"_OTHER\" http.route=\"/*\" {}", rest(200)), 1),
        (format!("http.request.method=\"GET\" http.route=\"/*\" {}", failed(503)), 1),
    ];
    while durations(&told.metrics().await) != expected {}
    let text = admin(&proxy, "/metrics").await.1;
    assert!(text.contains("backstay_telemetry_request_series 4\n") && !text.contains("http.server"), "{text}");
    plane.put(vec![("telemetry/edge", telemetry(Some(told.address), None, &[], false))]);
    acknowledged(&mut plane, 4).await;
    let text = admin(&proxy, "/metrics").await.1;
    assert!(text.contains("backstay_telemetry_request_series 0\n"), "nobody is told any more: {text}");
    proxy.shutdown().await;
}

#[tokio::test]
async fn bounds_are_those_of_the_fleet_and_change_while_the_proxy_runs() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    let buckets = async || {
        let text = admin(&proxy, "/metrics").await.1;
        let lines = text.lines().filter(|line| line.starts_with("backstay_backend_latency_seconds_bucket"));
        lines.map(|line| line.split("le=").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(buckets().await.len(), 12);
    plane.put(vec![("telemetry/edge", telemetry(None, None, &[30.0, 60.0], false))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(buckets().await, ["\"30\"} 0", "\"60\"} 0", "\"+Inf\"} 0"], "it begins anew");
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    assert_eq!(buckets().await, ["\"30\"} 1", "\"60\"} 1", "\"+Inf\"} 1"]);

    plane.put(vec![("telemetry/edge", telemetry(None, None, &[60.0, 30.0], false))]);
    let refused = rejected(&mut plane).await;
    assert_eq!((&*refused[0].name, &*refused[0].field), ("telemetry/edge", "metrics.bounds[1]"));
    assert_eq!(buckets().await[0], "\"30\"} 1", "the last good version stays in force");
    proxy.shutdown().await;
}

#[tokio::test]
async fn who_asks_for_open_metrics_finds_the_trace_of_a_request() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let mut told = Told::start().await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    plane.put(vec![("telemetry/edge", telemetry(Some(told.address), None, &[], true))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 200);
    let span = told.span().await;
    let trace: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let open = crate::traffic::get_open_metrics(proxy.admin_address().unwrap()).await;
    let bucket = open.lines().find(|line| line.contains("trace_id")).unwrap_or_else(|| panic!("{open}"));
    assert!(bucket.starts_with("backstay_backend_latency_seconds_bucket"), "{bucket}");
    assert!(bucket.contains(&format!("# {{trace_id=\"{trace}\",span_id=\"")), "{bucket} {trace}");
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(!admin(&proxy, "/metrics").await.1.contains("trace_id"), "Prometheus' own format has none");
    proxy.shutdown().await;
}
