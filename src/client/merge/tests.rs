use serde_json::{Value, json};

use super::{LAST_APPLIED, MAX_ANNOTATIONS, last_applied, three_way, with_last_applied};

fn patch(original: Value, modified: Value, current: Value) -> Value {
    Value::Object(three_way(&original, &modified, &current))
}

#[test]
fn what_is_as_wanted_needs_no_patch() {
    let object = json!({"spec": {"a": 1, "list": [1, 2]}});
    let stored = json!({"spec": {"a": 1, "list": [1, 2], "default": true}, "status": {}});
    assert_eq!(patch(object.clone(), object, stored), json!({}));
}

#[test]
fn changes_are_sent_and_lists_go_whole() {
    let wanted = json!({"spec": {"a": 2, "list": [1, 3], "new": {"b": 1}}});
    let stored = json!({"spec": {"a": 1, "list": [1, 2], "kept": 1}});
    assert_eq!(patch(Value::Null, wanted.clone(), stored), wanted);
}

#[test]
fn only_what_the_manifest_once_said_is_removed() {
    let before = json!({"spec": {"gone": 1, "deep": {"gone": 1, "stays": 1}}});
    let now = json!({"spec": {"deep": {"stays": 1}}});
    let stored = json!({"spec": {"gone": 1, "others": 1, "deep": {"gone": 1, "stays": 1, "others": 1}}});
    assert_eq!(patch(before, now, stored), json!({"spec": {"gone": null, "deep": {"gone": null}}}));
}

#[test]
fn what_is_gone_already_is_not_removed_again() {
    assert_eq!(patch(json!({"spec": {"gone": 1}}), json!({"spec": {}}), json!({"spec": {}})), json!({}));
}

#[test]
fn change_and_removal_of_one_map_are_one_patch() {
    let wanted = patch(json!({"m": {"a": 1, "b": 1}}), json!({"m": {"b": 2}}), json!({"m": {"a": 1, "b": 1}}));
    assert_eq!(wanted, json!({"m": {"b": 2, "a": null}}));
}

#[test]
fn a_map_that_became_text_is_replaced() {
    assert_eq!(patch(json!({"m": {"a": 1}}), json!({"m": "x"}), json!({"m": {"a": 1}})), json!({"m": "x"}));
}

#[test]
fn a_null_takes_a_field_away() {
    assert_eq!(patch(Value::Null, json!({"a": null, "b": null}), json!({"a": 1})), json!({"a": null}));
}

#[test]
fn the_annotation_is_as_kubectl_writes_it() {
    let object = json!({"kind": "Backend", "apiVersion": "core.apoxy.dev/v1alpha2",
        "spec": {"protocol": "<&>"}, "metadata": {"name": "a"}});
    let annotated = with_last_applied(&object);
    let text = annotated.pointer("/metadata/annotations").unwrap()[LAST_APPLIED].as_str().unwrap();
    let expected = concat!(
        r#"{"apiVersion":"core.apoxy.dev/v1alpha2","kind":"Backend","metadata":{"annotations":{},"name":"a"},"#,
        r#""spec":{"protocol":"\u003c\u0026\u003e"}}"#,
        "\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn the_annotation_never_holds_itself() {
    let object = json!({"metadata": {"name": "a", "annotations": {"mine": "1"}}});
    let once = with_last_applied(&object);
    assert_eq!(with_last_applied(&once), once);
    assert_eq!(last_applied(&once), json!({"metadata": {"annotations": {"mine": "1"}, "name": "a"}}));
}

#[test]
fn a_broken_annotation_is_none() {
    let object = json!({"metadata": {"annotations": {LAST_APPLIED: "{"}}});
    assert_eq!(last_applied(&object), Value::Null);
    assert_eq!(last_applied(&json!({})), Value::Null);
}

#[test]
fn an_object_that_is_too_large_for_an_annotation_goes_without() {
    let object = json!({"metadata": {"name": "a"}, "spec": {"text": "x".repeat(MAX_ANNOTATIONS)}});
    assert_eq!(with_last_applied(&object).pointer("/metadata/annotations"), Some(&json!({LAST_APPLIED: ""})));
}
