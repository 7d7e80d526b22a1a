#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data::{MAX_DATA, key_problems};
use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::ObjectMeta;
use crate::object::{Object, Resource};
use crate::{name, schema, table};

/// Data that is no secret, by key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Values that are text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// Values that are not, in base64. No key is in both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub binary_data: BTreeMap<String, String>,
    /// Whether the values may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

impl Resource for ConfigMap {
    const KIND: &'static Kind = &CONFIG_MAP;
}

/// `configmaps`.
pub static CONFIG_MAP: Kind = Kind {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    singular: "configmap",
    scope: Scope::Namespaced,
    short_names: &["cm"],
    categories: &[],
    has_status: false,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<ConfigMap>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: |_| (),
    validate: find,
    warn: |_| Vec::new(),
};

static COLUMNS: &[Column] = &[table::integer("Data", "How many values it has.")];

fn cells(object: &Object) -> Vec<Value> {
    let count = |field| values(object, field).map_or(0, Map::len);
    vec![(count("data") + count("binaryData")).into()]
}

fn values<'a>(object: &'a Object, field: &str) -> Option<&'a Map<String, Value>> {
    object.body.get(field).and_then(Value::as_object)
}

/// Finds everything wrong with a ConfigMap.
///
/// Source: Kubernetes, `ValidateConfigMap` and `ValidateConfigMapUpdate`.
fn find(new: &Object, old: Option<&Object>) -> Vec<FieldError> {
    let mut findings = Findings::default();
    let mut size = 0;
    for (key, value) in values(new, "data").into_iter().flatten() {
        let path = FieldPath::new("data").key(key);
        findings.each(&path, key, key_problems(key));
        if values(new, "binaryData").is_some_and(|binary| binary.contains_key(key)) {
            findings.invalid(&path, key, "duplicate of key present in binaryData");
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in values(new, "binaryData").into_iter().flatten() {
        let path = FieldPath::new("binaryData").key(key);
        findings.each(&path, key, key_problems(key));
        match value.as_str().map(|encoded| STANDARD.decode(encoded)) {
            Some(Ok(value)) => size += value.len(),
            _ => findings.add(FieldError::invalid_hidden(path, "must be base64, in the standard alphabet and padded")),
        }
    }
    if size > MAX_DATA {
        findings.add(FieldError::too_long(FieldPath::default(), MAX_DATA));
    }
    let immutable = |object: &Object| object.body.get("immutable") == Some(&Value::Bool(true));
    if let Some(old) = old.filter(|old| immutable(old)) {
        if !immutable(new) {
            findings.forbidden(&FieldPath::new("immutable"), "field is immutable when `immutable` is set");
        }
        for field in ["data", "binaryData"] {
            if values(new, field) != values(old, field) {
                findings.forbidden(&FieldPath::new(field), "field is immutable when `immutable` is set");
            }
        }
    }
    findings.finish()
}
