//! What is done with values of a shape.

use backstay_resources::gateway::GATEWAY;
use serde_json::{Value, json};

use super::super::compare::Comparison;
use super::super::merge::merge;
use super::super::of_value::fields_of;
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
