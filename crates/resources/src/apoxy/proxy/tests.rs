use serde_json::{Value, json};

use super::PROXY;
use crate::admit;

fn proxy(spec: Value) -> Value {
    json!({"metadata": {"name": "edge"}, "spec": spec})
}

#[test]
fn whoever_operates_them_is_the_default() {
    for spec in [json!({}), json!({"provider": ""}), json!({"provider": "Unmanaged"}), Value::Null] {
        assert_eq!(admit(&PROXY, proxy(spec), None).unwrap().object.body["spec"], json!({"provider": "unmanaged"}));
    }
}

#[test]
fn other_providers_are_refused_with_the_reason() {
    for (provider, why) in [("cloud", "Apoxy runs such proxies itself"), ("Kubernetes", "Backstay starts none")] {
        let errors = admit(&PROXY, proxy(json!({"provider": provider})), None).unwrap_err();
        assert_eq!(errors.len(), 1);
        let sentence = errors[0].to_string();
        assert!(sentence.starts_with("spec.provider: Unsupported value: "), "{sentence}");
        assert!(sentence.contains("supported values: \"unmanaged\"") && sentence.contains(why), "{sentence}");
    }
    let errors = admit(&PROXY, proxy(json!({"provider": "vps"})), None).unwrap_err();
    assert_eq!(errors[0].to_string(), r#"spec.provider: Unsupported value: "vps": supported values: "unmanaged""#);
}

#[test]
fn what_nothing_reads_is_refused_by_name() {
    for (field, value) in [
        ("shutdown", json!({"drainTimeout": "60s"})),
        ("telemetry", json!({"tracing": {"enabled": true}})),
        ("envoy", json!({"version": "v1.35.13"})),
    ] {
        let errors = admit(&PROXY, proxy(json!({field: value})), None).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let sentence = errors[0].to_string();
        assert!(sentence.starts_with(&format!("spec.{field}: Forbidden: is not supported: ")), "{sentence}");
        admit(&PROXY, proxy(json!({field: {}})), None).unwrap();
    }
}

#[test]
fn rows() {
    let mut value = proxy(json!({}));
    let replica = json!({"name": "n1", "connectedAt": "2026-01-01T00:00:00Z"});
    value["status"] = json!({"replicas": [replica], "conditions": [
        {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Refused"}
    ]});
    let object = admit(&PROXY, value, None).unwrap().object;
    assert_eq!((PROXY.cells)(&object), [json!("unmanaged"), json!(1), json!("False")]);
    let object = admit(&PROXY, proxy(json!({})), None).unwrap().object;
    assert_eq!((PROXY.cells)(&object), [json!("unmanaged"), json!(0), json!("")]);
}
