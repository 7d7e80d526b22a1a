use serde_json::{Value, json};

use super::*;
use crate::meta::Timestamp;
use crate::object::Object;
use crate::{apoxy, core, gateway};

fn errors(value: Value) -> Vec<String> {
    admit(&apoxy::BACKEND, value, None).unwrap_err().iter().map(ToString::to_string).collect()
}

fn good() -> Value {
    json!({"metadata": {"name": "b"}, "spec": {"endpoints": [{"ip": "10.0.0.1"}]}})
}

#[test]
fn unknown_fields_are_named_and_dropped() {
    let mut value = good();
    value["spec"]["protcol"] = json!("h2");
    value["spec"]["endpoints"][0]["port"] = json!(80);
    value["metadata"]["clusterName"] = json!("x");
    value["extra"] = json!({"a": 1});
    let admitted = admit(&apoxy::BACKEND, value, None).unwrap();
    let unknown: Vec<String> = admitted.unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        unknown,
        [
            r#"unknown field "metadata.clusterName""#,
            r#"unknown field "spec.endpoints[0].port""#,
            r#"unknown field "spec.protcol""#,
            r#"unknown field "extra""#,
        ]
    );
    assert_eq!(admitted.object, admit(&apoxy::BACKEND, good(), None).unwrap().object);
}

#[test]
fn maps_keep_their_keys() {
    let mut value = good();
    value["metadata"]["labels"] = json!({"anything": "goes"});
    value["metadata"]["managedFields"] = json!([{"fieldsV1": {"f:spec": {"f:x": {}}}, "manager": "kubectl"}]);
    let admitted = admit(&apoxy::BACKEND, value.clone(), None).unwrap();
    assert!(admitted.unknown.is_empty(), "{:?}", admitted.unknown);
    let managed: serde_json::Value = serde_json::from_str(admitted.object.metadata.managed_fields.json()).unwrap();
    assert_eq!(managed, value["metadata"]["managedFields"]);
}

#[test]
fn every_wrong_type_is_reported_as_kubernetes_words_it() {
    let value = json!({"metadata": {"name": 1, "labels": {"a": true}}, "spec": {"endpoints": "string", "protocol": 2}});
    assert_eq!(
        errors(value),
        [
            r#"metadata.name: Invalid value: "integer": metadata.name in body must be of type string: "integer""#,
            r#"metadata.labels[a]: Invalid value: "boolean": metadata.labels[a] in body must be of type string: "boolean""#,
            r#"spec.endpoints: Invalid value: "string": spec.endpoints in body must be of type array: "string""#,
            r#"spec.protocol: Invalid value: "integer": spec.protocol in body must be of type string: "integer""#,
        ]
    );
}

#[test]
fn what_is_not_an_object_is_refused() {
    for value in [json!(null), json!([]), json!("x"), json!(1)] {
        assert_eq!(errors(value).len(), 1);
    }
    assert_eq!(errors(json!([]))[0], r#"Invalid value: "array": in body must be of type object: "array""#);
    assert!(errors(json!({}))[0].starts_with("metadata.name: Required value"));
}

#[test]
fn a_wrong_element_does_not_hide_what_else_is_wrong() {
    let value = json!({
        "metadata": {"name": "B"},
        "spec": {"endpoints": [{"ip": 5}, {"ip": "x"}, {}], "protocol": "h3", "dynamicProxy": {"dnsCacheConfig": {"maxHosts": 0}}}
    });
    let found = errors(value);
    let paths: Vec<&str> = found.iter().map(|error| error.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "spec.endpoints[0].ip",
            "spec.protocol",
            "metadata.name",
            "spec.endpoints[1].ip",
            "spec.endpoints[2]",
            "spec.dynamicProxy.dnsCacheConfig.maxHosts"
        ],
        "{found:#?}"
    );
    assert_eq!(errors(json!({"metadata": {"name": "b"}, "spec": {"endpoints": [7, {}]}})).len(), 1);
}

#[test]
fn null_is_absent() {
    let value = json!({
        "metadata": {"name": "b", "creationTimestamp": null, "labels": null},
        "spec": {"endpoints": [{"ip": "10.0.0.1", "fqdn": null}], "dynamicProxy": null, "protocol": null},
        "status": null
    });
    assert_eq!(
        admit(&apoxy::BACKEND, value, None).unwrap().object,
        admit(&apoxy::BACKEND, good(), None).unwrap().object
    );
}

#[test]
fn whole_floats_are_integers() {
    let mut value = json!({"metadata": {"name": "b"}, "spec": {"dynamicProxy": {"dnsCacheConfig": {"maxHosts": 5.0}}}});
    let admitted = admit(&apoxy::BACKEND, value.clone(), None).unwrap();
    assert_eq!(admitted.object.body["spec"]["dynamicProxy"]["dnsCacheConfig"]["maxHosts"], json!(5));
    value["spec"]["dynamicProxy"]["dnsCacheConfig"]["maxHosts"] = json!(5.5);
    assert!(errors(value)[0].contains("must be of type integer: \"number\""));
}

#[test]
fn numbers_that_do_not_fit_are_errors_of_their_field() {
    for (maximum, number) in [(4_294_967_295_u64, json!(4_294_967_296_u64)), (0, json!(u64::MAX)), (0, json!(1e300))] {
        let found = errors(
            json!({"metadata": {"name": "b"}, "spec": {"dynamicProxy": {"dnsCacheConfig": {"maxHosts": number}}}}),
        );
        assert!(found[0].starts_with("spec.dynamicProxy.dnsCacheConfig.maxHosts: "), "{found:?}");
        assert!(maximum == 0 || found[0].ends_with("less than or equal to 4294967295"), "{found:?}");
    }
    let route = json!({"metadata": {"name": "r"}, "spec": {"rules": [{"backendRefs": [{"name": "b", "port": 5_000_000_000_i64}]}]}});
    let found = admit(&gateway::HTTP_ROUTE, route, None).unwrap_err();
    assert_eq!(found[0].path.as_str(), "spec.rules[0].backendRefs[0].port");
}

#[test]
fn an_object_says_what_it_is_or_is_told() {
    let object = admit(&apoxy::BACKEND, good(), None).unwrap().object;
    assert_eq!((object.api_version.as_str(), object.kind.as_str()), ("core.apoxy.dev/v1alpha2", "Backend"));
    let mut value = good();
    value["kind"] = json!("Proxy");
    assert_eq!(errors(value), [r#"kind: Invalid value: "Proxy": must be Backend"#]);
}

#[test]
fn dates_are_checked() {
    let mut value = good();
    value["metadata"]["creationTimestamp"] = json!("yesterday");
    assert!(errors(value)[0].starts_with("metadata.creationTimestamp: Invalid value: \"yesterday\""));
}

#[test]
fn admitting_twice_changes_nothing() {
    let once = admit(&apoxy::BACKEND, good(), None).unwrap().object;
    let twice = admit(&apoxy::BACKEND, serde_json::to_value(&once).unwrap(), Some(&once)).unwrap().object;
    assert_eq!(once, twice);
}

#[test]
fn the_number_of_errors_is_bounded() {
    let endpoints = vec![json!({}); 900];
    let found = errors(json!({"metadata": {"name": "b"}, "spec": {"endpoints": endpoints}}));
    assert_eq!(found.len(), MAX_ERRORS + 1);
    assert_eq!(found[MAX_ERRORS], "Invalid value: 800 more errors are not listed");
    let unknown: serde_json::Map<String, Value> = (0..500).map(|n| (format!("f{n}"), json!(n))).collect();
    let mut value = good();
    value["spec"].as_object_mut().unwrap().extend(unknown);
    assert_eq!(prune(&apoxy::BACKEND, &mut value).len(), crate::decode::MAX_SURPLUS);
    assert_eq!(value, good(), "all are dropped, whether reported or not");
}

fn deleting() -> Object {
    let mut old = admit(&apoxy::BACKEND, good(), None).unwrap().object;
    old.metadata.deletion_timestamp = Some(Timestamp::now());
    old.metadata.finalizers = vec!["example.com/a".to_owned(), "example.com/b".to_owned()];
    // As a stricter version finds it.
    old.body.insert("spec".to_owned(), json!({"endpoints": [{}]}));
    old
}

#[test]
fn an_object_that_is_going_can_lose_finalizers_though_it_is_invalid() {
    let old = deleting();
    let mut new = old.clone();
    new.metadata.finalizers.pop();
    let admitted = admit(&apoxy::BACKEND, serde_json::to_value(&new).unwrap(), Some(&old)).unwrap();
    assert_eq!(admitted.object.metadata.finalizers, ["example.com/a"]);
}

#[test]
fn an_object_that_is_going_gains_no_finalizers_and_no_invalid_spec() {
    let old = deleting();
    let mut new = old.clone();
    new.metadata.finalizers.push("example.com/c".to_owned());
    new.body.insert("spec".to_owned(), json!({"endpoints": [{}, {}]}));
    let found = admit(&apoxy::BACKEND, serde_json::to_value(&new).unwrap(), Some(&old)).unwrap_err();
    assert_eq!(found[0].path.as_str(), "metadata.finalizers");
    assert_eq!(found[0].reason.cause(), "FieldValueForbidden");
    assert!(found[0].message.contains("example.com/c"));
    assert_eq!(found.len(), 3);
}

#[test]
fn values_of_secrets_are_in_no_error() {
    let value = json!({
        "metadata": {"name": "S", "annotations": {"bad key": "hunter2"}},
        "data": {"a": "hunter2!", "b/c": "aHVudGVyMg=="},
        "stringData": {"k": 5, "!": "hunter2"}, "immutable": "hunter2", "type": "kubernetes.io/tls"
    });
    let found = admit(&core::SECRET, value, None).unwrap_err();
    assert!(found.len() >= 4, "{found:?}");
    for error in &found {
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!error.to_string().contains("aHVudGVy"), "{error}");
    }
}
