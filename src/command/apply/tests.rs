use serde_json::json;

use super::problems;
use crate::client::Status;
use crate::manifest::{Document, Manifests};

const BACKEND: &str = "\
apiVersion: core.apoxy.dev/v1alpha2
kind: Backend
metadata:
  name: hello
spec:
  protcol: h2
  endpoints:
  - ip: nowhere
";

fn document() -> Document {
    let mut manifests = Manifests::default();
    manifests.add("b.yaml", BACKEND);
    manifests.documents.remove(0)
}

fn lines(status: serde_json::Value) -> Vec<String> {
    let status: Status = serde_json::from_value(status).unwrap();
    problems(&document(), &status).iter().map(ToString::to_string).collect()
}

#[test]
fn every_cause_is_shown_where_it_is_written() {
    let status = json!({"code": 422, "message": "all of it", "details": {"causes": [
        {"field": "spec.endpoints[0].ip", "message": "Invalid value: \"nowhere\""},
        {"field": "spec.protocol", "message": "Required value"}]}});
    assert_eq!(
        lines(status),
        [
            "b.yaml:8:5: Backend/hello: spec.endpoints[0].ip: Invalid value: \"nowhere\"",
            "b.yaml:5:1: Backend/hello: spec.protocol: Required value"
        ]
    );
}

#[test]
fn unknown_fields_are_found_in_the_sentence() {
    let message = r#"Backend in version "v1alpha2" cannot be handled as a Backend: strict decoding error: unknown field "spec.protcol", duplicate field "kind""#;
    assert_eq!(
        lines(json!({"code": 400, "message": message})),
        ["b.yaml:6:3: Backend/hello: spec.protcol: unknown field", "b.yaml:2:1: Backend/hello: kind: duplicate field"]
    );
}

#[test]
fn any_other_refusal_is_shown_as_it_is() {
    assert_eq!(lines(json!({"code": 409, "message": "try again"})), ["b.yaml:1: Backend/hello: try again"]);
}
