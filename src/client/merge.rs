//! The three-way merge of `apply`: what the manifest says now, what it said the last time, and what is stored.
//!
//! Source: kubectl's client-side apply for custom kinds (a JSON merge patch, RFC 7386), so that both can be used on the
//! same object in turn.

use serde_json::{Map, Value, json};

/// Annotation with the manifest as it was last applied.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The patch that brings `current` to what `modified` says, and removes what only `original` said. Empty when there is
/// nothing to do.
pub(crate) fn three_way(original: &Value, modified: &Value, current: &Value) -> Map<String, Value> {
    let mut patch = changes(modified, current);
    removals(original, modified, current, &mut patch);
    patch
}

/// Fields of `modified` that `current` has not, or not so.
fn changes(modified: &Value, current: &Value) -> Map<String, Value> {
    let mut patch = Map::new();
    let Some(fields) = modified.as_object() else { return patch };
    for (key, wanted) in fields {
        match (wanted, current.get(key)) {
            // A null in a manifest stands for a field that is not there.
            (Value::Null, None) => {}
            (Value::Object(_), Some(has @ Value::Object(_))) => {
                let below = changes(wanted, has);
                if !below.is_empty() {
                    patch.insert(key.clone(), Value::Object(below));
                }
            }
            (wanted, has) => {
                if has != Some(wanted) {
                    patch.insert(key.clone(), wanted.clone());
                }
            }
        }
    }
    patch
}

/// Nulls for what `original` has and `modified` has not, as far as it is still there.
fn removals(original: &Value, modified: &Value, current: &Value, patch: &mut Map<String, Value>) {
    let Some(fields) = original.as_object() else { return };
    for (key, had) in fields {
        let Some(has) = current.get(key) else { continue };
        match modified.get(key) {
            None => {
                patch.insert(key.clone(), Value::Null);
            }
            Some(wants @ Value::Object(_)) if had.is_object() && has.is_object() => {
                let mut below = match patch.remove(key) {
                    Some(Value::Object(below)) => below,
                    _ => Map::new(),
                };
                removals(had, wants, has, &mut below);
                if !below.is_empty() {
                    patch.insert(key.clone(), Value::Object(below));
                }
            }
            Some(_) => {}
        }
    }
}

/// How large annotations may be together, as Kubernetes has it. What does not fit is left out, and then a later apply removes nothing.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// `object` with itself in the annotation, as kubectl writes it: JSON with sorted keys, without the annotation itself.
pub(crate) fn with_last_applied(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if annotations.is_null() {
            *annotations = json!({});
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.remove(LAST_APPLIED);
        }
    }
    bare.sort_all_objects();
    let text = escape(&bare.to_string()) + "\n";
    // An empty one takes the place of what an earlier apply has left.
    let text = if text.len() + LAST_APPLIED.len() > MAX_ANNOTATIONS { String::new() } else { text };
    let mut annotated = bare;
    if let Some(annotations) = annotated.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
    }
    annotated
}

/// What the annotation of `current` holds. `Null` where there is none, or where it is broken: then nothing is removed.
pub(crate) fn last_applied(current: &Value) -> Value {
    let text = current.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(LAST_APPLIED)?.as_str());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Go's JSON encoder escapes what could end a script element in HTML; the same text keeps kubectl from seeing a change.
fn escape(json: &str) -> String {
    let escaped = json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    escaped.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests;
