use serde_json::{Value, json};

use super::{Changed, Object};

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
