//! A case as it is written down.

use base64::Engine;
use serde_json::Value;

pub(crate) struct Case {
    pub(crate) name: String,
    /// Failures say what went wrong.
    pub(crate) messages: bool,
    pub(crate) endpoint: Value,
    pub(crate) request: Value,
    pub(crate) backends: Value,
    pub(crate) expected: Value,
}

impl Case {
    pub(crate) fn all(file: &str) -> Vec<Self> {
        let cases: Vec<Value> = serde_json::from_str(file).expect("cases are JSON");
        let case = |case: Value| Self {
            name: text(&case["name"]).to_owned(),
            messages: case["messages"] == true,
            endpoint: case["endpoint"].clone(),
            request: case["request"].clone(),
            backends: case["backends"].clone(),
            expected: case["expected"].clone(),
        };
        cases.into_iter().map(case).collect()
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A body that may be written down in base64.
pub(crate) fn body(value: &Value) -> Vec<u8> {
    match value["body_base64"].as_str() {
        Some(coded) => base64::engine::general_purpose::STANDARD.decode(coded).expect("it is base64"),
        None => text(&value["body"]).as_bytes().to_vec(),
    }
}
