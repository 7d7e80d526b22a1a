use serde_json::{Map, Value, json};

use super::Masked;

fn applied(live: Value, fields: Value, paths: &[&[&str]], version: Option<u64>) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    let paths = paths.iter().map(|path| path.iter().map(|name| (*name).to_owned()).collect()).collect();
    Masked { fields: object(fields), paths, version }.apply(object(live)).into()
}

#[test]
fn fields_that_are_named_are_replaced_and_others_stay() {
    let live = json!({"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"one": 1, "two": [1, 2]}});
    let wanted = json!({"metadata": {"labels": {"y": "2"}}, "spec": {"one": 3, "two": [9]}});
    let found = applied(live, wanted, &[&["spec", "two"], &["metadata", "labels"]], None);
    assert_eq!(found, json!({"metadata": {"name": "a", "labels": {"y": "2"}}, "spec": {"one": 1, "two": [9]}}));
}

#[test]
fn a_field_that_is_named_and_not_set_is_taken_away() {
    let live = json!({"metadata": {}, "spec": {"one": 1, "two": {"three": 3}}});
    let found = applied(live, json!({}), &[&["spec", "two", "three"], &["spec", "four", "five"]], None);
    assert_eq!(found, json!({"metadata": {}, "spec": {"one": 1, "two": {}}}));
}

#[test]
fn what_is_on_the_way_to_a_field_is_made() {
    let found = applied(json!({"metadata": {}}), json!({"spec": {"a": {"b": 1}}}), &[&["spec", "a", "b"]], Some(7));
    assert_eq!(found, json!({"metadata": {"resourceVersion": "7"}, "spec": {"a": {"b": 1}}}));
}
