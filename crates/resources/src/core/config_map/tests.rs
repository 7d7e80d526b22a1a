use serde_json::{Value, json};

use super::CONFIG_MAP;
use crate::check::admit;

fn errors(body: Value, old: Option<Value>) -> Vec<String> {
    let object = |mut body: Value| {
        body["metadata"] = json!({"name": "a", "namespace": "default"});
        body
    };
    let old = old.map(|old| admit(&CONFIG_MAP, object(old), None).unwrap().object);
    let found = admit(&CONFIG_MAP, object(body), old.as_ref()).err().unwrap_or_default();
    found.iter().map(|error| error.path.to_string()).collect()
}

#[test]
fn values_are_text_or_base64_and_keys_are_in_one_place() {
    assert_eq!(errors(json!({"data": {"a": "text"}, "binaryData": {"b": "AAE="}}), None), Vec::<String>::new());
    assert_eq!(errors(json!({"data": {"a": "text"}, "binaryData": {"a": "AAE="}}), None), ["data[a]"]);
    assert_eq!(errors(json!({"data": {"no/slash": ""}}), None), ["data[no/slash]"]);
    assert_eq!(errors(json!({"binaryData": {"b": "not base64"}}), None), ["binaryData[b]"]);
    assert_eq!(errors(json!({"data": {"a": "x".repeat(1024 * 1024 + 1)}}), None).len(), 1);
}

#[test]
fn what_is_immutable_stays() {
    let fixed = json!({"data": {"a": "1"}, "immutable": true});
    assert_eq!(errors(json!({"data": {"a": "2"}, "immutable": true}), Some(fixed.clone())), ["data"]);
    assert_eq!(errors(json!({"data": {"a": "1"}}), Some(fixed)), ["immutable"]);
}
