//! What a collector is told of a control plane: a change, from its request to the proxy that has it, and metrics.

use std::time::Duration;

use backstay_control_plane::{ControlPlane, Options, TelemetryOptions};
use backstay_telemetry::Environment;

use crate::collector::Collector;
use crate::support::{Api, BACKENDS, Holder, apply_route, backend, connect, start};

const PARENT: &str = "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01";
const TRACE: [u8; 16] = *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";
/// Only ends a test that would otherwise hang.
const PATIENCE: Duration = Duration::from_secs(60);

async fn telling(folder: &std::path::Path, variables: &[(&str, String)]) -> ControlPlane {
    let variables = variables.iter().map(|(name, value)| (format!("OTEL_{name}"), value.clone()));
    let telemetry = TelemetryOptions { environment: Environment::new(variables), instance: "here".to_owned() };
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options { api: any, xds: any, data_dir: folder.to_owned(), telemetry, ..Options::default() };
    ControlPlane::start(options).await.unwrap()
}

#[tokio::test]
async fn a_change_is_one_trace_from_its_request_to_the_proxy_that_has_it() {
    let mut collector = Collector::start().await;
    let address = collector.address;
    let folder = tempfile::tempdir().unwrap();
    let control = telling(folder.path(), &[("EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))]).await;
    let api = Api::new(&control);
    apply_route(&api).await;
    let mut proxy = connect(&control, Holder::default());
    proxy.told.recv().await.unwrap();
    let (status, _) = api.call_in("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.2"), Some(PARENT)).await;
    assert_eq!(status, 200);
    proxy.told.recv().await.unwrap();
    let mut ours = Vec::new();
    let arriving = async {
        while ours.len() < 5 {
            let span = collector.span().await;
            if span.trace_id[..] == TRACE {
                ours.push(span);
            }
        }
    };
    tokio::time::timeout(PATIENCE, arriving).await.unwrap();
    let named = |name: &str| ours.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {ours:?}"));
    let (request, commit) = (named("PUT"), named("commit"));
    assert_eq!(request.parent_span_id[..], *b"\x01\x02\x03\x04\x05\x06\x07\x08");
    assert_eq!(commit.parent_span_id, request.span_id);
    for name in ["compile", "send", "acknowledge"] {
        assert_eq!(named(name).parent_span_id, commit.span_id, "{name}");
    }
    let ends: Vec<u64> = ["compile", "send", "acknowledge"].iter().map(|name| named(name).end_time_unix_nano).collect();
    assert!(ends.is_sorted(), "{ends:?}");
    assert!(format!("{:?}", named("acknowledge").attributes).contains("edge-1"), "{ours:?}");

    // One that changes nothing is not told of, and neither is one whose caller is not sampled.
    api.call_in("PUT", &format!("{BACKENDS}/none"), &backend("10.0.0.2"), Some(PARENT)).await;
    let unsampled = PARENT.replace("-01", "-00");
    api.call_in("PUT", &format!("{BACKENDS}/api"), &backend("10.0.0.3"), Some(&unsampled)).await;
    proxy.told.recv().await.unwrap();
    proxy.stop().await;
    control.shutdown().await;
    while let Ok(span) = collector.spans.try_recv() {
        assert_ne!(span.trace_id[..], TRACE, "{span:?}");
    }
}

#[tokio::test]
async fn a_collector_is_told_of_metrics() {
    let mut collector = Collector::start().await;
    let address = collector.address;
    let folder = tempfile::tempdir().unwrap();
    let variables =
        [("EXPORTER_OTLP_METRICS_ENDPOINT", format!("http://{address}")), ("METRIC_EXPORT_INTERVAL", "50".to_owned())];
    let control = telling(folder.path(), &variables).await;
    let request = collector.request().await;
    let of = &request.resource_metrics[0];
    assert!(format!("{:?}", of.resource).contains("backstay-control-plane"), "{:?}", of.resource);
    let names: Vec<&str> = of.scope_metrics[0].metrics.iter().map(|metric| &*metric.name).collect();
    for name in ["backstay_store_revision", "backstay_compile_seconds", "process_resident_memory_bytes"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    control.shutdown().await;
}

#[tokio::test]
async fn a_variable_that_cannot_be_honoured_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("OTEL_METRIC_EXPORT_INTERVAL".to_owned(), "soon".to_owned())];
    let telemetry = TelemetryOptions { environment: Environment::new(variables), ..TelemetryOptions::default() };
    let any = "127.0.0.1:0".parse().unwrap();
    let options = Options { api: any, xds: any, data_dir: folder.path().to_owned(), telemetry, ..Options::default() };
    let error = ControlPlane::start(options).await.unwrap_err().to_string();
    assert!(error.starts_with("OTEL_METRIC_EXPORT_INTERVAL: \"soon\" is not understood"), "{error}");
    start(folder.path()).await.shutdown().await;
}
