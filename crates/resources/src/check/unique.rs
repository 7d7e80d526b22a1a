//! Lists whose items are told apart by a key: each key is there once.
//!
//! Source: Kubernetes, `x-kubernetes-list-type: map` of structural schemas, `ValidateListSetsAndMaps`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::decode::MAX_SURPLUS;
use crate::field::{FieldError, Step, Trail};
use crate::object::Object;

/// Items that have the key of one before them, the first hundred. A list that is as it was in `old` is passed over: what an earlier
/// version let in can still be changed elsewhere.
pub(super) fn find(schema: &Value, object: &Object, old: Option<&Object>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (name, value) in &object.body {
        let Some(schema) = schema.get("properties").and_then(|properties| properties.get(name)) else { continue };
        let before = old.and_then(|old| old.body.get(name));
        walk(schema, value, before, &Trail::ROOT.step(Step::Field(name)), &mut errors);
    }
    errors
}

fn walk(schema: &Value, value: &Value, old: Option<&Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    if errors.len() >= MAX_SURPLUS || old == Some(value) {
        return;
    }
    match value {
        Value::Object(fields) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
            for (name, value) in fields {
                let Some(schema) = properties.get(name) else { continue };
                let old = old.and_then(|old| old.get(name));
                walk(schema, value, old, &trail.step(Step::Field(name)), errors);
            }
        }
        Value::Array(items) => {
            let Some(of_items) = schema.get("items") else { return };
            let keys = keys_of(schema);
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let trail = trail.step(Step::Index(index));
                if !keys.is_empty() {
                    let key = key(&keys, item);
                    let text = Value::Object(key).to_string();
                    if !seen.insert(text.clone()) {
                        errors.push(FieldError::duplicate(trail.path(), format_args!("{text}")));
                        continue;
                    }
                }
                walk(of_items, item, None, &trail, errors);
            }
        }
        _ => {}
    }
}

fn keys_of(schema: &Value) -> Vec<&str> {
    if schema.get("x-kubernetes-list-type").and_then(Value::as_str) != Some("map") {
        return Vec::new();
    }
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn key(keys: &[&str], item: &Value) -> Map<String, Value> {
    keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone()))).collect()
}
