use serde_json::{Value, json};

use super::SECRET;
use crate::admit;
use crate::object::Object;

fn secret(mut body: Value) -> Value {
    body["metadata"] = json!({"name": "s", "namespace": "default"});
    body
}

fn admitted(body: Value) -> Object {
    admit(&SECRET, secret(body), None).unwrap().object
}

fn errors(body: Value, old: Option<&Object>) -> Vec<String> {
    admit(&SECRET, secret(body), old).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn text_is_merged_and_not_read_back() {
    let object = admitted(json!({"data": {"a": "b2xk", "b": "a2VwdA=="}, "stringData": {"a": "new"}}));
    assert_eq!(object.body["data"], json!({"a": "bmV3", "b": "a2VwdA=="}));
    assert!(!object.body.contains_key("stringData"));
    assert_eq!(object.body["type"], "Opaque");
    assert_eq!((SECRET.cells)(&object), [json!("Opaque"), json!(2)]);
    assert_eq!((SECRET.cells)(&admitted(json!({}))), [json!("Opaque"), json!(0)]);
}

#[test]
fn broken_lines_of_base64_are_joined() {
    assert_eq!(admitted(json!({"data": {"a": "b2\r\nxk\n"}})).body["data"]["a"], "b2xk");
}

#[test]
fn what_is_not_base64_is_named_and_not_repeated() {
    assert_eq!(
        errors(json!({"data": {"password": "hunter2!"}}), None),
        [r#"data[password]: Invalid value: "(hidden)": must be base64, in the standard alphabet and padded"#]
    );
}

#[test]
fn keys_are_names_of_files() {
    for bad in ["", "a/b", "a b", ".", "..", "..a", &"a".repeat(254)] {
        assert!(!errors(json!({"data": {bad: ""}}), None).is_empty(), "{bad}");
    }
    for good in [".a", "a.b", "A_b-1"] {
        admitted(json!({"data": {good: ""}}));
    }
}

#[test]
fn a_certificate_has_its_two_parts() {
    assert_eq!(
        errors(json!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}), None),
        ["data[tls.key]: Required value: a Secret of type kubernetes.io/tls has it"]
    );
    admitted(json!({"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}}));
}

#[test]
fn its_size_is_bounded() {
    let text = "x".repeat(1024 * 1024);
    admitted(json!({"stringData": {"a": text}}));
    assert_eq!(
        errors(json!({"stringData": {"a": text, "b": "x"}}), None),
        ["data: Too long: may not be more than 1048576 bytes"]
    );
}

#[test]
fn its_type_stays() {
    let old = admitted(json!({"stringData": {"tls.crt": "", "tls.key": ""}}));
    let found = errors(json!({"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}}), Some(&old));
    assert_eq!(found, [r#"type: Invalid value: "kubernetes.io/tls": field is immutable"#]);
}

#[test]
fn an_immutable_one_stays_as_it_is() {
    let old = admitted(json!({"stringData": {"a": "1"}, "immutable": true}));
    admit(&SECRET, secret(json!({"stringData": {"a": "1"}, "immutable": true})), Some(&old)).unwrap();
    assert_eq!(
        errors(json!({"stringData": {"a": "2"}}), Some(&old)),
        [
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set"
        ]
    );
}

#[test]
fn debug_output_shows_no_value() {
    let mut object = admitted(json!({"stringData": {"a": "hunter2"}}));
    object
        .metadata
        .annotations
        .insert("kubectl.kubernetes.io/last-applied-configuration".to_owned(), "hunter2".to_owned());
    let shown = format!("{object:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    assert!(shown.contains("default") && shown.contains("Secret"), "{shown}");
}

#[test]
fn what_will_not_serve_is_worth_a_warning() {
    let warnings = |data: Value| admit(&SECRET, secret(json!({"stringData": data})), None).unwrap().warnings;
    assert!(warnings(json!({"password": "hunter2"})).is_empty());
    let of_pair = warnings(json!({"tls.crt": "x", "tls.key": "y"}));
    assert_eq!(of_pair, ["has a tls.crt without a PEM certificate; it will not be used"]);
    let of_both = warnings(json!({"tls.crt": "x", "ca.crt": "z"}));
    assert_eq!(of_both.len(), 2, "{of_both:?}");
    assert!(of_both[0].starts_with("has no tls.key") && of_both[1].starts_with("has a ca.crt without"), "{of_both:?}");
}
