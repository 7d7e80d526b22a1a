//! What is done with values of a shape.

use backstay_resources::gateway::GATEWAY;
use backstay_resources::{Object, Timestamp};
use serde_json::{Value, json};

use super::super::compare::Comparison;
use super::super::managers::Writer;
use super::super::merge::merge;
use super::super::of_value::fields_of;
use super::super::record::{record, record_status};
use super::super::remove::remove;
use super::super::set::FieldSet;
use super::super::shape::{self, Shape};

fn shape() -> &'static Shape {
    shape::of(&GATEWAY)
}

fn gateway(listeners: Value) -> Value {
    json!({"spec": {"gatewayClassName": "backstay", "listeners": listeners}})
}

fn names(gateway: &Value) -> Vec<&str> {
    let listeners = gateway["spec"]["listeners"].as_array().unwrap();
    listeners.iter().map(|listener| listener["name"].as_str().unwrap()).collect()
}

#[test]
fn what_is_applied_owns_items_and_leaves_and_no_structures() {
    let applied = json!({
        "metadata": {"labels": {"app": "web"}, "finalizers": ["example.com/guard"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u"}]},
        "spec": {"listeners": [{"name": "http", "port": 80, "allowedRoutes": {"kinds": [{"kind": "HTTPRoute"}],
            "namespaces": {"selector": {"matchLabels": {"a": "b"}}}}}], "infrastructure": {}},
    });
    assert_eq!(
        fields_of(shape(), &applied).paths(),
        [
            ".metadata.finalizers[=\"example.com/guard\"]",
            ".metadata.labels.app",
            ".metadata.ownerReferences[uid=\"u\"]",
            ".spec.infrastructure",
            ".spec.listeners[name=\"http\"]",
            ".spec.listeners[name=\"http\"].name",
            ".spec.listeners[name=\"http\"].port",
            ".spec.listeners[name=\"http\"].allowedRoutes.kinds",
            ".spec.listeners[name=\"http\"].allowedRoutes.namespaces.selector",
        ]
    );
}

#[test]
fn what_is_added_is_added_with_its_structures() {
    let (old, new) =
        (json!({"metadata": {}}), json!({"metadata": {"labels": {"app": "web"}}, "spec": {"gatewayClassName": "x"}}));
    let changes = Comparison::of(shape(), Some(&old), Some(&new));
    assert_eq!(changes.added.paths(), [".spec", ".metadata.labels", ".metadata.labels.app", ".spec.gatewayClassName"]);
    assert!(changes.removed.is_empty() && changes.modified.is_empty());
    let changes = Comparison::of(shape(), Some(&new), Some(&old));
    assert_eq!(
        changes.removed.paths(),
        [".spec", ".metadata.labels", ".metadata.labels.app", ".spec.gatewayClassName"]
    );
}

#[test]
fn lists_keep_the_order_of_what_is_applied_among_what_is_there() {
    let listener = |name: &str| json!({"name": name, "port": 80, "protocol": "HTTP"});
    let list = |names: &str| gateway(names.chars().map(|name| listener(&name.to_string())).collect());
    for (live, applied, merged) in [
        ("abc", "ca", "bca"),
        ("abc", "d", "abcd"),
        ("ab", "cb", "acb"),
        ("", "ba", "ba"),
        ("abcd", "dx", "abcdx"),
        ("abc", "abc", "abc"),
    ] {
        let result = merge(shape(), Some(&list(live)), Some(&list(applied))).unwrap();
        assert_eq!(names(&result).concat(), merged, "{live} and {applied}");
    }
    let twice = gateway(json!([listener("a"), listener("a")]));
    let port = gateway(json!([{"name": "a", "port": 8080}]));
    let merged = merge(shape(), Some(&twice), Some(&port)).unwrap();
    assert_eq!(
        merged["spec"]["listeners"],
        json!([{"name": "a", "port": 8080}]),
        "of two nothing says which one is meant"
    );
}

#[test]
fn what_is_left_without_anything_stays() {
    let mut value = gateway(json!([{"name": "http", "port": 80}, {"name": "https"}]));
    let mut gone = FieldSet::default();
    gone.insert(&["f:spec", "f:gatewayClassName"]);
    gone.insert(&["f:spec", "f:listeners", "k:{\"name\":\"https\"}"]);
    gone.insert(&["f:spec", "f:listeners", "k:{\"name\":\"http\"}", "f:port"]);
    remove(shape(), &mut value, &gone);
    assert_eq!(value, json!({"spec": {"listeners": [{"name": "http"}]}}));
    gone.insert(&["f:spec", "f:listeners", "k:{\"name\":\"http\"}"]);
    remove(shape(), &mut value, &gone);
    assert_eq!(value, json!({"spec": {"listeners": null}}));
}

#[test]
fn what_is_made_is_what_differs_from_nothing() {
    let status = json!({
        "conditions": [{"type": "A", "status": "True", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"},
            {"type": "B"}, {"type": "B"}],
        "listeners": [{"name": "http", "attachedRoutes": 0, "conditions": [], "supportedKinds": []}],
        "addresses": null,
    });
    let listeners = json!([{"name": "a", "port": 1, "tls": {"options": {}, "certificateRefs": [{"name": "x"}]}}]);
    for value in [gateway(listeners), json!({"status": status, "spec": {}, "unknown": {"a": [1]}}), json!({}), json!(1)]
    {
        let expected = Comparison::of(shape(), None, Some(&value));
        assert_eq!(Comparison::made(shape(), &value), expected.added, "{value}");
        assert!(expected.removed.is_empty() && expected.modified.is_empty());
    }
}

#[test]
fn a_first_status_is_noted_as_any_other() {
    let time = Timestamp::from_second(1_000_000_000);
    let object = |manager: &'static str| {
        let mut object: Object = serde_json::from_value(gateway(json!([{"name": "a", "port": 1}]))).unwrap();
        record(&GATEWAY, None, &mut object, &Writer { manager, subresource: "", time });
        object
    };
    // Of one that has its own entry, or a status, all are taken apart; the outcome is the same.
    for (manager, status) in [("zeta", json!({"conditions": [{"type": "A"}]})), ("alpha", json!({"listeners": []}))] {
        let mut quick = object(manager);
        quick.body.insert("status".into(), status.clone());
        let mut slow = quick.clone();
        let writer = Writer { manager: "backstay", subresource: "status", time };
        record_status(&GATEWAY, None, &mut quick, &writer);
        record_status(&GATEWAY, Some(&json!({})), &mut slow, &writer);
        let managers =
            |object: &Object| -> Value { serde_json::from_str(object.metadata.managed_fields.json()).unwrap() };
        let (quick, slow) = (managers(&quick), managers(&slow));
        let names =
            |managers: &Value| managers.as_array().unwrap().iter().map(|it| it["manager"].clone()).collect::<Vec<_>>();
        assert_eq!(names(&quick), names(&slow), "in the same order");
        let own =
            |managers: &Value| managers.as_array().unwrap().iter().find(|it| it["subresource"] == "status").cloned();
        // An empty status was there before; of nothing, it was not.
        let mut expected = own(&slow).unwrap();
        expected["fieldsV1"]["f:status"]["."] = json!({});
        assert_eq!(own(&quick).unwrap(), expected);
    }
}
