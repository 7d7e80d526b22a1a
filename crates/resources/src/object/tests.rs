use serde_json::{Value, json};

use super::{Changed, Object};
use crate::members::members;

fn encoded(labels: &Value, owners: &Value, status: &str) -> Vec<u8> {
    let object = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "labels": labels, "managedFields": owners},
        "spec": {}, "status": {"phase": status}});
    serde_json::from_value::<Object>(object).unwrap().encode().unwrap()
}

#[test]
fn who_set_what_makes_no_difference() {
    let (labels, other) = (json!({"managedFields": "[", "a": "}"}), json!({"managedFields": "[", "a": "}}"}));
    let (one, two) = (json!([{"manager": "one"}]), json!([{"manager": "two"}, {"manager": "three"}]));
    let first = encoded(&labels, &one, "a");
    assert_eq!(Object::changed(&first, &encoded(&labels, &two, "a")), Changed { status: false, rest: false });
    assert_eq!(Object::changed(&first, &encoded(&labels, &json!([]), "b")), Changed { status: true, rest: false });
    assert_eq!(Object::changed(&first, &encoded(&other, &two, "a")), Changed { status: false, rest: true });
    assert_eq!(Object::changed(&first, &encoded(&json!({}), &one, "a")), Changed { status: false, rest: true });
}

#[test]
fn who_set_what_is_encoded_last_and_kept_as_it_is() {
    let owners = json!([{"fieldsV1": {"f:spec": {}}, "manager": "one"}]);
    let bytes = encoded(&json!({"a": "b"}), &owners, "a");
    let object = Object::decode(&bytes).unwrap();
    assert_eq!(object.metadata.managed_fields.json(), owners.to_string());
    assert_eq!(object.encode().unwrap(), bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(&format!(r#""managedFields":{owners}}},"spec""#)), "{text}");
    assert!(!String::from_utf8(encoded(&json!({}), &json!([]), "a")).unwrap().contains("managedFields"));
    assert!(serde_json::to_string(&Object::default()).unwrap().len() < 60);
}

#[test]
fn fields_are_found_without_decoding_them() {
    let found = |text: &'static str| {
        let shown = |bytes: &'static [u8]| std::str::from_utf8(bytes).unwrap();
        members(text.as_bytes())
            .map(|found| found.iter().map(|(name, value)| (shown(name), shown(value))).collect::<Vec<_>>())
    };
    assert_eq!(found("{}"), Some(vec![]));
    assert_eq!(
        found(r#" { "a" : 1 , "b":[1,{"c":"]}"}] ,"d" :"\\\"" } "#).unwrap(),
        [(r#""a""#, "1"), (r#""b""#, r#"[1,{"c":"]}"}]"#), (r#""d""#, r#""\\\"""#)]
    );
    assert_eq!(found(r#"{"a":null,"b":true}"#).unwrap(), [(r#""a""#, "null"), (r#""b""#, "true")]);
    for wrong in [
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1}x",
        "{\"a\":\"}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":[}",
    ] {
        assert_eq!(found(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_no_object_counts_as_changed() {
    assert_eq!(Object::changed(b"{}", b"{"), Changed { status: true, rest: true });
    assert_eq!(Object::changed(b"{\"b\":1,\"a\":2}", b"{\"a\":2,\"b\":1}"), Changed { status: false, rest: false });
}
