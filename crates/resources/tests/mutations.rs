//! Any value in any place is refused by name or accepted for good: what is accepted has its Rust type, and is accepted
//! again unchanged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

use backstay_resources::apoxy::{Backend, Proxy};
use backstay_resources::backstay::BackendPolicy;
use backstay_resources::core::{Namespace, Secret};
use backstay_resources::gateway::{Gateway, GatewayClass, HttpRoute};
use backstay_resources::{Kind, Object, Registry, admit, decode};
use serde_json::{Value, json};

fn strange() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("\u{0}\u{1f600}\r\n"),
        json!("a".repeat(5000)),
        json!([]),
        json!([null]),
        json!([[]]),
        json!([{}]),
        json!(["x", "x"]),
        json!({}),
        json!({"": null}),
        json!({"type": "x", "name": 1}),
    ]
}

fn is_typed(object: &Object) -> bool {
    match object.kind.as_str() {
        "Backend" => object.typed::<Backend>().is_ok(),
        "Proxy" => object.typed::<Proxy>().is_ok(),
        "GatewayClass" => object.typed::<GatewayClass>().is_ok(),
        "Gateway" => object.typed::<Gateway>().is_ok(),
        "HTTPRoute" => object.typed::<HttpRoute>().is_ok(),
        "BackendPolicy" => object.typed::<BackendPolicy>().is_ok(),
        "Namespace" => object.typed::<Namespace>().is_ok(),
        "Secret" => object.typed::<Secret>().is_ok(),
        other => panic!("{other} has no Rust type here"),
    }
}

/// The places of a value, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), all);
            }
        }
        _ => (),
    }
}

fn judge(kind: &Kind, value: Value, what: &str) {
    match admit(kind, value, None) {
        Err(errors) => {
            assert!(!errors.is_empty(), "{what}");
            assert!(errors.iter().all(|error| !error.message.is_empty()), "{what}: {errors:?}");
            // The catch-all of what no check foresaw.
            assert!(
                errors.iter().all(|error| !error.message.contains("does not have the shape")),
                "{what}: {errors:?}"
            );
        }
        Ok(admitted) => {
            assert!(is_typed(&admitted.object), "{what}: {:?}", kind.show(&admitted.object));
            let again = admit(kind, serde_json::to_value(&admitted.object).unwrap(), Some(&admitted.object));
            let again = again.unwrap_or_else(|errors| panic!("{what}: {errors:?}"));
            assert_eq!(again.object, admitted.object, "{what}");
            assert!(again.unknown.is_empty(), "{what}");
            let cells = (kind.cells)(&admitted.object);
            assert_eq!(cells.len(), kind.columns.len(), "{what}");
        }
    }
}

fn originals() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = [
        "quickstart",
        "dynamic-proxy",
        "https",
        "canary",
        "rewrite-and-redirect",
        "backend-tls-policy",
        "backend-policy",
        "backend-policy-dynamic",
        "apoxy",
    ];
    let read = |name: &str| decode::documents(&std::fs::read(folder.join(format!("{name}.yaml"))).unwrap()).unwrap();
    let mut all: Vec<Value> = files.into_iter().flat_map(read).map(|document| document.value).collect();
    let conditions = json!([{
        "type": "Accepted", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Accepted",
        "observedGeneration": 1, "message": "m"
    }]);
    all.push(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "immutable": false,
        "metadata": {
            "name": "s", "namespace": "n", "labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["a/b"],
            "creationTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0, "managedFields": [{"a": "b"}],
            "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u", "controller": true}]
        },
        "data": {"tls.crt": "eA==", "tls.key": "eA=="}, "stringData": {"more": "x"}
    }));
    all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}, "spec": {"finalizers": ["f"]}, "status": {"phase": "Active"}}));
    all.push(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"},
        "spec": {}, "status": {"parents": [{"parentRef": {"name": "g"}, "controllerName": "a/b", "conditions": conditions}]}
    }));
    all.push(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"},
        "spec": {"gatewayClassName": "c", "listeners": [{
            "name": "l", "port": 1, "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {
                "matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]
            }}}
        }]},
        "status": {"conditions": conditions, "listeners": [{
            "name": "l", "supportedKinds": [{"kind": "HTTPRoute"}], "attachedRoutes": 1, "conditions": conditions
        }]}
    }));
    all
}

#[test]
fn any_value_in_any_place() {
    for original in originals() {
        let word = |name: &str| original[name].as_str().unwrap();
        let kind = Registry::built_in().by_kind(word("apiVersion"), word("kind")).unwrap();
        judge(kind, original.clone(), "as it is");
        admit(kind, original.clone(), None).unwrap();
        let mut all = Vec::new();
        places(&original, "", &mut all);
        for place in all {
            for value in strange() {
                let mut changed = original.clone();
                *changed.pointer_mut(&place).unwrap() = value.clone();
                judge(kind, changed, &format!("{} {place} = {:.80}", kind.kind, value.to_string()));
            }
        }
    }
}
