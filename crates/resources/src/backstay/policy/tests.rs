use serde_json::{Value, json};

use super::super::BACKEND_POLICY;
use crate::admit;

fn policy(spec: Value) -> Value {
    json!({"metadata": {"name": "p"}, "spec": spec})
}

#[track_caller]
fn refused(spec: Value, start: &str) {
    let found: Vec<String> =
        admit(&BACKEND_POLICY, policy(spec), None).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(start), "{found:?}");
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
    refused(json!({}), "spec.targetRefs: Required value: at least one Backend");
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
fn names_and_timeouts() {
    refused(
        with(json!({"tls": {"sni": "10.0.0.1"}})),
        "spec.tls.sni: Invalid value: \"10.0.0.1\": must not be an IP address",
    );
    refused(with(json!({"tls": {"verifiedName": "*.a"}})), "spec.tls.verifiedName: Invalid value");
    refused(with(json!({"tls": {"caCertificateRef": {}}})), "spec.tls.caCertificateRef.name: Required value");
    refused(
        with(json!({"timeouts": {"connect": "0s"}})),
        "spec.timeouts.connect: Invalid value: \"0s\": must be greater than 0",
    );
    refused(
        with(json!({"timeouts": {"idle": "soon"}})),
        "spec.timeouts.idle: Invalid value: \"soon\": must be a duration",
    );
}

#[test]
fn rows() {
    let object =
        admit(&BACKEND_POLICY, policy(json!({"targetRefs": [{"name": "a"}, {"name": "b"}]})), None).unwrap().object;
    assert_eq!((BACKEND_POLICY.cells)(&object), [json!("a,b"), json!("")]);
}
