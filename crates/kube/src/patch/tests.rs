use backstay_resources::core::SECRET;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::Patch;

const LIMIT: usize = 1 << 20;

fn parse(media: &str, patch: &Value) -> Patch {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(media).unwrap());
    Patch::parse(&SECRET, &headers, patch.to_string().as_bytes(), crate::Options::default().max_patch_operations)
        .unwrap()
}

fn apply(document: Value, operations: &Value) -> Result<Value, super::PatchError> {
    let mut document = document;
    parse("application/json-patch+json", operations).apply(&mut document, LIMIT).map(|()| document)
}

#[test]
fn merge_deletes_with_null() {
    let mut document = json!({"a": {"b": 1, "c": 2}});
    parse("application/merge-patch+json", &json!({"a": {"b": null, "d": 3}})).apply(&mut document, LIMIT).unwrap();
    assert_eq!(document, json!({"a": {"c": 2, "d": 3}}));
}

#[test]
fn testing_for_null_succeeds_where_there_is_nothing() {
    let patched = apply(
        json!({"metadata": {}}),
        &json!([
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": ["a.b/c"]},
            {"op": "test", "path": "/metadata/finalizers/0", "value": "a.b/c"},
        ]),
    );
    assert_eq!(patched.unwrap(), json!({"metadata": {"finalizers": ["a.b/c"]}}));
}

#[test]
fn testing_for_null_fails_where_there_is_something() {
    let error = apply(json!({"a": 1}), &json!([{"op": "test", "path": "/a", "value": null}])).unwrap_err();
    assert!(error.to_string().contains("test failed"), "{error}");
}

#[test]
fn copies_that_double_the_document_are_refused() {
    let operations: Vec<_> = (0..64).map(|n| json!({"op": "copy", "from": "/a", "path": format!("/a/{n}")})).collect();
    let error = apply(json!({"a": {"x": "0123456789"}}), &Value::Array(operations)).unwrap_err();
    assert!(error.to_string().contains("copies too much") || error.to_string().contains("too deeply"), "{error}");
}

#[test]
fn moves_cannot_nest_without_end() {
    let mut operations = Vec::new();
    for _ in 0..200 {
        operations.push(json!({"op": "add", "path": "/b", "value": {}}));
        operations.push(json!({"op": "move", "from": "/a", "path": "/b/a"}));
        operations.push(json!({"op": "move", "from": "/b", "path": "/a"}));
    }
    let error = apply(json!({"a": {}}), &Value::Array(operations)).unwrap_err();
    assert!(error.to_string().contains("too deeply"), "{error}");
}

#[test]
fn strategic_patches_merge_sets_and_owners() {
    let mut document = json!({
        "metadata": {
            "name": "x", "finalizers": ["a.b/one", "a.b/two"],
            "ownerReferences": [{"uid": "1", "name": "one"}, {"uid": "2", "name": "two"}],
        },
        "data": {"a": "1", "b": "2"}, "type": "Opaque",
    });
    let patch = json!({
        "metadata": {
            "$setElementOrder/finalizers": ["a.b/two", "a.b/three"],
            "$deleteFromPrimitiveList/finalizers": ["a.b/one"],
            "finalizers": ["a.b/three"],
            "ownerReferences": [{"uid": "1", "$patch": "delete"}, {"uid": "2", "name": "second"}, {"uid": "3"}],
        },
        "data": {"a": null, "c": "3"},
    });
    parse("application/strategic-merge-patch+json", &patch).apply(&mut document, LIMIT).unwrap();
    assert_eq!(
        document,
        json!({
            "metadata": {
                "name": "x", "finalizers": ["a.b/two", "a.b/three"],
                "ownerReferences": [{"uid": "2", "name": "second"}, {"uid": "3"}],
            },
            "data": {"b": "2", "c": "3"}, "type": "Opaque",
        })
    );
}

#[test]
fn strategic_patches_replace_where_told() {
    let mut document = json!({"data": {"a": "1"}});
    parse("application/strategic-merge-patch+json", &json!({"data": {"$patch": "replace", "b": "2"}}))
        .apply(&mut document, LIMIT)
        .unwrap();
    assert_eq!(document, json!({"data": {"b": "2"}}));
    let unknown = parse("application/strategic-merge-patch+json", &json!({"data": {"$nothing": 1}}));
    assert!(unknown.apply(&mut document, LIMIT).is_err());
}

#[test]
fn long_lists_cannot_be_shifted_without_end() {
    let mut operations = vec![json!({"op": "add", "path": "/a", "value": vec![0; 100_000]})];
    operations.resize(1000, json!({"op": "add", "path": "/a/0", "value": 1}));
    let error = apply(json!({}), &Value::Array(operations)).unwrap_err();
    assert!(error.to_string().contains("moves too much"), "{error}");
}
