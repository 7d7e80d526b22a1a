//! What other clients than those of the Fastly API read in place of secrets.

use backstay_resources::Object;
use serde_json::Value;

const HIDDEN: &str = "(hidden)";

/// Hides the keys of backends, and everything of log endpoints but what they are called.
pub(super) fn version(object: &mut Object) {
    let Some(spec) = object.body.get_mut("spec") else { return };
    for backend in list(spec, "backends") {
        if let Some(key) = backend.get_mut("ssl_client_key").filter(|key| !key.is_null()) {
            *key = HIDDEN.into();
        }
    }
    for endpoint in list(spec, "logging") {
        hide_all(endpoint.get_mut("fields"));
    }
}

/// Hides the values of a dictionary whose items cannot be read.
pub(super) fn dictionary(object: &mut Object) {
    let Some(spec) = object.body.get_mut("spec") else { return };
    if spec.get("write_only") == Some(&Value::Bool(true)) {
        let items = spec.get_mut("items").and_then(Value::as_object_mut);
        for item in items.into_iter().flat_map(serde_json::Map::values_mut) {
            if let Some(value) = item.get_mut("value") {
                *value = HIDDEN.into();
            }
        }
    }
}

fn list<'a>(spec: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    spec.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn hide_all(fields: Option<&mut Value>) {
    let fields = fields.and_then(Value::as_object_mut);
    for value in fields.into_iter().flat_map(serde_json::Map::values_mut) {
        *value = HIDDEN.into();
    }
}
