use serde_json::{Value, json};

use super::super::{APOXY_CONTROLLER_NAME, APOXY_GATEWAY_CLASS, CONTROLLER_NAME, GATEWAY_CLASS};
use crate::admit;

fn class(controller: &str) -> Value {
    json!({"metadata": {"name": "c"}, "spec": {"controllerName": controller}})
}

fn errors(value: Value) -> Vec<String> {
    admit(&GATEWAY_CLASS, value, None).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_controller_is_a_domain_and_a_path() {
    for good in [CONTROLLER_NAME, APOXY_CONTROLLER_NAME, "a/b", "example.com/a/b~c"] {
        admit(&GATEWAY_CLASS, class(good), None).unwrap();
        admit(&APOXY_GATEWAY_CLASS, class(good), None).unwrap();
    }
    for bad in ["example.com", "/a", "a/", "Example.com/a", "a/b c"] {
        assert!(errors(class(bad))[0].starts_with("spec.controllerName: Invalid value"), "{bad}");
    }
    assert_eq!(errors(json!({"metadata": {"name": "c"}})), ["spec.controllerName: Required value"]);
    assert_eq!(
        errors(class(&format!("a/{}", "b".repeat(252)))),
        ["spec.controllerName: Too long: may not be more than 253 bytes"]
    );
}

#[test]
fn the_controller_stays() {
    let old = admit(&GATEWAY_CLASS, class("a/b"), None).unwrap().object;
    let errors = admit(&GATEWAY_CLASS, class("a/c"), Some(&old)).unwrap_err();
    assert_eq!(errors[0].to_string(), r#"spec.controllerName: Invalid value: "a/c": field is immutable"#);
    admit(&GATEWAY_CLASS, class("a/b"), Some(&old)).unwrap();
}

#[test]
fn other_fields() {
    let mut value = class("a/b");
    value["spec"]["description"] = json!("x".repeat(65));
    value["spec"]["parametersRef"] = json!({"group": "", "name": "p"});
    assert_eq!(
        errors(value),
        ["spec.description: Too long: may not be more than 64 bytes", "spec.parametersRef.kind: Required value"]
    );
}

#[test]
fn rows() {
    let mut value = class("a/b");
    value["status"] = json!({"conditions": [
        {"type": "Accepted", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Accepted"}
    ]});
    let object = admit(&GATEWAY_CLASS, value, None).unwrap().object;
    assert_eq!((GATEWAY_CLASS.cells)(&object), [json!("a/b"), json!("True")]);
}
