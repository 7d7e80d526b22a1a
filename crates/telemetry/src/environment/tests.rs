#![allow(clippy::unwrap_used)]

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::new(pairs.iter().map(|(name, value)| (format!("OTEL_{name}"), (*value).to_owned())))
}

#[test]
fn nothing_is_said_without_variables() {
    let empty = environment(&[("EXPORTER_OTLP_ENDPOINT", "")]);
    assert_eq!(empty.collector(Signal::Traces, None), Ok(None));
    assert_eq!((empty.sampler(), empty.propagators(), empty.metric_interval(None)), (Ok(None), Ok(None), Ok(None)));
}

#[test]
fn each_signal_has_what_is_said_of_it_or_else_of_all() {
    let said = environment(&[
        ("EXPORTER_OTLP_ENDPOINT", "http://all:4317"),
        ("EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs/own/path"),
        ("EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
        ("EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-b=c,=d"),
        ("EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("EXPORTER_OTLP_TIMEOUT", "2500"),
        ("EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("METRICS_EXPORTER", "none"),
    ]);
    let traces = said.collector(Signal::Traces, None).unwrap().unwrap();
    let expected = (Protocol::Grpc, false, true, Duration::from_millis(2500));
    assert_eq!((traces.protocol, traces.is_whole, traces.gzip, traces.timeout), expected);
    let headers: Vec<_> = traces.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("api-key", "a b"), ("x-b", "c")]);
    assert_eq!(traces.authorities, Some("/ca.pem".into()));
    let logs = said.collector(Signal::Logs, None).unwrap().unwrap();
    assert_eq!((logs.protocol, logs.is_whole, logs.endpoint.path()), (Protocol::Http, true, "/own/path"));
    assert!(said.silences(Signal::Metrics) && !said.silences(Signal::Traces));
    assert!(!format!("{traces:?}").contains("a b"), "what may be a token is not shown");
}

#[test]
fn what_cannot_be_honoured_names_its_variable() {
    let collector =
        |pairs: &[(&str, &str)]| environment(pairs).collector(Signal::Traces, None).unwrap_err().to_string();
    let endpoint = ("EXPORTER_OTLP_ENDPOINT", "http://all:4317");
    for (pairs, says) in [
        (vec![("EXPORTER_OTLP_ENDPOINT", "all:4317")], "OTEL_EXPORTER_OTLP_ENDPOINT: \"all:4317\" is not"),
        (vec![endpoint, ("EXPORTER_OTLP_PROTOCOL", "http/json")], "OTEL_EXPORTER_OTLP_PROTOCOL: there is no"),
        (vec![endpoint, ("EXPORTER_OTLP_HEADERS", "content-type=x")], "OTEL_EXPORTER_OTLP_HEADERS: "),
        (vec![endpoint, ("EXPORTER_OTLP_TRACES_TIMEOUT", "0")], "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "),
        (vec![endpoint, ("EXPORTER_OTLP_COMPRESSION", "br")], "there are gzip and none"),
        (vec![("EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/v1/traces")], "has a path, which gRPC has no use for"),
    ] {
        let error = collector(&pairs);
        assert!(error.contains(says), "{error}");
    }
    for (name, value) in [
        ("METRIC_EXPORT_INTERVAL", "1m"),
        ("EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"),
    ] {
        let error = environment(&[(name, value)]).metric_interval(None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("OTEL_{name}: {value:?} is not understood")), "{error}");
    }
    let sampler = environment(&[("TRACES_SAMPLER", "jaeger_remote")]).sampler();
    assert!(sampler.unwrap_err().to_string().contains("there is no sampler"));
    assert!(environment(&[("PROPAGATORS", "xray")]).propagators().is_err());
    assert_eq!(environment(&[("PROPAGATORS", "tracecontext,baggage,b3")]).propagators().unwrap().unwrap().len(), 2);
}

#[test]
fn metrics_are_told_as_often_as_is_said() {
    let seconds = |pairs: &[(&str, &str)], given: Option<u64>| {
        let interval = environment(pairs).metric_interval(given.map(Duration::from_secs)).unwrap();
        interval.map(|interval| interval.as_secs())
    };
    let (endpoint, interval) = (("EXPORTER_OTLP_ENDPOINT", "http://all:4317"), ("METRIC_EXPORT_INTERVAL", "5000"));
    assert_eq!(seconds(&[("EXPORTER_OTLP_TRACES_ENDPOINT", "http://all:4317")], None), None);
    assert_eq!((seconds(&[endpoint], None), seconds(&[endpoint], Some(10))), (Some(60), Some(10)));
    assert_eq!((seconds(&[interval], Some(10)), seconds(&[], Some(10))), (Some(5), Some(10)));
}
