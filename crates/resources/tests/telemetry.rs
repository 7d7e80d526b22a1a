//! What a Proxy object may say of logs, traces and metrics, and what is refused with the name of its field.
#![allow(clippy::unwrap_used, missing_docs)]

use backstay_resources::admit;
use backstay_resources::apoxy::PROXY;
use serde_json::{Value, json};

fn errors(spec: Value) -> Vec<String> {
    match admit(&PROXY, json!({"metadata": {"name": "edge"}, "spec": spec}), None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_can_be_honoured_is_taken() {
    for spec in [
        json!({"accessLog": {}}),
        json!({"accessLog": {"format": "envoy", "filter": {"minStatus": 500, "minDuration": "1s", "flagged": true, "sample": 10}}}),
        json!({"accessLog": {"format": "%START_TIME(%s.%3f)% %REQ(X-A?:PATH):10%\n", "sinks": ["stdout", "otlp"]}}),
        json!({"accessLog": {"fields": ["path", "trace_id"], "requestHeaders": ["X-A"], "times": "unix"}}),
        json!({"accessLog": {"jsonFormat": {"code": "%RESPONSE_CODE%"}, "redact": {"queryParameters": ["token"]}}}),
        json!({"tracing": {"sampling": {"numerator": 1, "denominator": 1000}, "propagation": ["b3multi"]}}),
        json!({"collector": {"endpoint": "https://a:4318/otlp", "protocol": "http/protobuf", "headers": [{"name": "a", "value": "b"}]}}),
        json!({"accessLog": {"sinks": ["stdout", "als"], "service": {"endpoint": "http://als:9000", "logName": "edge"}}}),
        json!({"metrics": {"interval": "15s", "bounds": ["5ms", "1s", "24h"]}}),
    ] {
        assert_eq!(errors(spec.clone()), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn what_cannot_is_refused_with_the_name_of_its_field() {
    let collector = |extra: Value| {
        let mut spec = json!({"collector": {"endpoint": "http://a:4317"}});
        spec["collector"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        spec
    };
    for (spec, starts) in [
        (json!({"accessLog": {"sinks": ["/etc/passwd"]}}), "spec.accessLog.sinks[0]: Unsupported value: "),
        (json!({"accessLog": {"sinks": ["als"]}}), "spec.accessLog.service: Required value"),
        (json!({"accessLog": {"service": {"endpoint": "http://a:1"}}}), "spec.accessLog.service: Forbidden: "),
        (
            json!({"accessLog": {"sinks": ["als"], "service": {"endpoint": "a:1"}}}),
            "spec.accessLog.service.endpoint: Invalid value: ",
        ),
        (json!({"accessLog": {"format": "apache"}}), "spec.accessLog.format: Unsupported value: "),
        (json!({"accessLog": {"format": "%NOTHING%"}}), "spec.accessLog.format: Invalid value: "),
        (json!({"accessLog": {"format": "envoy", "fields": ["path"]}}), "spec.accessLog.fields: Forbidden: "),
        (json!({"accessLog": {"fields": ["nothing"]}}), "spec.accessLog.fields[0]: Unsupported value: "),
        (json!({"accessLog": {"jsonFormat": {"a": "%REQ%"}}}), "spec.accessLog.jsonFormat[a]: Invalid value: "),
        (json!({"accessLog": {"jsonFormat": {"a": "b"}, "times": "unix"}}), "spec.accessLog.times: Forbidden: "),
        (json!({"accessLog": {"responseHeaders": ["a b"]}}), "spec.accessLog.responseHeaders[0]: Invalid value: "),
        (json!({"accessLog": {"filter": {"minStatus": 99}}}), "spec.accessLog.filter.minStatus: Invalid value: "),
        (json!({"accessLog": {"filter": {"sample": 0}}}), "spec.accessLog.filter.sample: Invalid value: "),
        (json!({"tracing": {"sampling": {"numerator": 101}}}), "spec.tracing.sampling.numerator: Invalid value: "),
        (json!({"tracing": {"sampling": {"denominator": 0}}}), "spec.tracing.sampling.denominator: Invalid value: "),
        (json!({"tracing": {"propagation": ["jaeger"]}}), "spec.tracing.propagation[0]: Unsupported value: "),
        (json!({"metrics": {"interval": "999ms"}}), "spec.metrics.interval: Invalid value: "),
        (json!({"metrics": {"bounds": ["1s", "1s"]}}), "spec.metrics.bounds[1]: Invalid value: "),
        (json!({"metrics": {"bounds": ["0s"]}}), "spec.metrics.bounds[0]: Invalid value: "),
        (json!({"metrics": {"bounds": vec!["1s"; 41]}}), "spec.metrics.bounds: Too many: "),
        (json!({"collector": {}}), "spec.collector.endpoint: Required value"),
        (json!({"collector": {"endpoint": "a:4317"}}), "spec.collector.endpoint: Invalid value: "),
        (json!({"collector": {"endpoint": "http://a/path"}}), "spec.collector.endpoint: Invalid value: "),
        (collector(json!({"protocol": "http/json"})), "spec.collector.protocol: Unsupported value: "),
        (collector(json!({"timeout": "0s"})), "spec.collector.timeout: Invalid value: "),
        (
            collector(json!({"headers": [{"name": "host", "value": "b"}]})),
            "spec.collector.headers[0].name: Invalid value: ",
        ),
    ] {
        let errors = errors(spec.clone());
        assert!(errors.len() == 1 && errors[0].starts_with(starts), "{spec}: {errors:?}");
    }
}
