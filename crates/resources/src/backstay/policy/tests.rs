mod dynamic_proxy;
mod health;
mod requests;
mod selection;
mod tls;

use serde_json::{Value, json};

use super::super::BACKEND_POLICY;
use crate::admit;

fn policy(spec: Value) -> Value {
    json!({"metadata": {"name": "p"}, "spec": spec})
}

fn errors(spec: Value) -> Vec<String> {
    match admit(&BACKEND_POLICY, policy(spec), None) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// There is one error, which begins like that.
#[track_caller]
fn refused(spec: Value, start: &str) {
    let found = errors(spec);
    assert_eq!(found.len(), 1, "{start}: {found:#?}");
    assert!(found[0].starts_with(start), "{found:#?}");
}

/// A section is refused for one error, which begins like that below it.
#[track_caller]
fn section_refused(section: &str, content: Value, start: &str) {
    refused(with(json!({ section: content })), &format!("spec.{section}{start}"));
}

/// A section is accepted, and kept as it was written.
#[track_caller]
fn section_accepted(section: &str, content: Value) {
    let spec = with(json!({ section: content }));
    let object = admit(&BACKEND_POLICY, policy(spec), None).unwrap_or_else(|errors| panic!("{content}: {errors:#?}"));
    assert!(object.unknown.is_empty(), "{:?}", object.unknown);
    assert_eq!(object.object.body["spec"][section], content);
}

fn with(more: Value) -> Value {
    let mut spec = json!({"targetRefs": [{"name": "b"}]});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

#[test]
fn what_is_not_said_is_written_out() {
    let spec = with(json!({"tls": {"caCertificateRef": {"name": "ca"}}, "timeouts": {"connect": "2s"}}));
    let object = admit(&BACKEND_POLICY, policy(spec), None).unwrap().object;
    assert_eq!(
        object.body["spec"],
        json!({
            "targetRefs": [{"name": "b", "group": "core.apoxy.dev", "kind": "Backend"}],
            "tls": {"caCertificateRef": {"name": "ca", "namespace": "default"}}, "timeouts": {"connect": "2s"}
        })
    );
}

#[test]
fn targets_are_backends_and_differ() {
    refused(json!({"targetRefs": [{}]}), "spec.targetRefs[0].name: Required value");
    refused(json!({"targetRefs": [{"name": "b"}, {"name": "b"}]}), "spec.targetRefs[1].name: Duplicate value");
    refused(
        json!({"targetRefs": [{"name": "b", "kind": "Service"}]}),
        "spec.targetRefs[0].kind: Unsupported value: \"Service\"",
    );
    refused(json!({"targetRefs": [{"name": "b", "group": "x"}]}), "spec.targetRefs[0].group: Unsupported value: \"x\"");
    let many: Vec<Value> = (0..17).map(|n| json!({"name": format!("b{n}")})).collect();
    refused(json!({ "targetRefs": many }), "spec.targetRefs: Too many: 17");
}

#[test]
fn sections_are_not_filled_in() {
    let all = json!({
        "timeouts": {}, "loadBalancing": {}, "outlierDetection": {}, "limits": {}, "connections": {}, "dynamicProxy": {},
        "tls": {}
    });
    for (section, content) in all.as_object().unwrap() {
        section_accepted(section, content.clone());
    }
    let object = admit(&BACKEND_POLICY, policy(with(json!({}))), None).unwrap().object;
    assert_eq!(object.body["spec"].as_object().unwrap().keys().collect::<Vec<_>>(), ["targetRefs"]);
}

#[test]
fn all_errors_come_at_once() {
    let found = errors(with(json!({
        "tls": {"minVersion": "1.1", "ciphers": ["RC4-SHA"], "sni": "10.0.0.1"},
        "timeouts": {"connect": "0s", "total": "soon"},
        "loadBalancing": {"policy": "Sticky", "panicThreshold": 101},
        "endpoints": [{}],
        "discovery": {},
        "outlierDetection": {"maxEjectionPercent": 101},
        "healthChecks": [{}],
        "limits": {"connections": 0},
        "retries": {},
        "connections": {"preconnectPercent": 99},
        "host": {},
        "dynamicProxy": {"addresses": {"allow": ["x"]}},
    })));
    let paths: Vec<&str> = found.iter().map(|error| error.split(": ").next().unwrap()).collect();
    let expected = [
        "timeouts.total",
        "loadBalancing.policy",
        "tls.minVersion",
        "tls.sni",
        "tls.ciphers[0]",
        "timeouts.connect",
        "loadBalancing.panicThreshold",
        "endpoints[0]",
        "discovery.srv",
        "outlierDetection.maxEjectionPercent",
        "healthChecks[0]",
        "limits.connections",
        "retries.retryOn",
        "connections.preconnectPercent",
        "host",
        "dynamicProxy.addresses.allow[0]",
    ];
    for path in expected {
        assert!(paths.contains(&format!("spec.{path}").as_str()), "{path}: {found:#?}");
    }
    assert_eq!(paths.len(), expected.len(), "{found:#?}");
}

#[test]
fn rows() {
    let object =
        admit(&BACKEND_POLICY, policy(json!({"targetRefs": [{"name": "a"}, {"name": "b"}]})), None).unwrap().object;
    assert_eq!((BACKEND_POLICY.cells)(&object), [json!("a,b"), json!(""), json!("")]);
}
