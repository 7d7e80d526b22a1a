//! What may be applied, and how it is spelt when it is stored.

use backstay_resources::{Kind, Object, ObjectMeta};
use serde_json::{Map, Value};

use super::element;
use super::items::{Items, element_of};
use super::shape::Shape;

/// How many errors are told at most.
const MAX_ERRORS: usize = 20;

/// What keeps a value from being applied: fields that there are not, values of another type, items that nothing tells apart. What
/// is missing or out of range is no concern here: others may own the rest.
pub(super) fn find_faults(shape: &Shape, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    walk(shape, value, &mut Vec::new(), &mut faults);
    faults.truncate(MAX_ERRORS);
    faults
}

fn walk(shape: &Shape, value: &Value, path: &mut Vec<String>, faults: &mut Vec<String>) {
    if faults.len() > MAX_ERRORS {
        return;
    }
    if value.is_null() {
        return;
    }
    let wanted = match shape {
        Shape::Scalar(wanted) | Shape::Atomic(wanted) => wanted,
        Shape::Struct { .. } | Shape::Map(_) => "object",
        Shape::List { .. } => "array",
        Shape::Any => "",
    };
    if !is_a(wanted, value) {
        faults.push(format!("{}: expected {}, got {}", shown(path), name_of(wanted), type_of(value)));
        return;
    }
    match (shape, value) {
        (Shape::Struct { .. } | Shape::Map(_), Value::Object(fields)) => {
            for (name, value) in fields {
                path.push(element::field(name));
                match shape.member(name) {
                    Some(shape) => walk(shape, value, path, faults),
                    None => faults.push(format!("{}: field not declared in schema", shown(path))),
                }
                path.pop();
            }
        }
        (Shape::List { keys, items }, Value::Array(list)) => {
            for (index, item) in list.iter().enumerate() {
                let Some(element) = element_of(keys, item) else {
                    faults.push(format!("{}: element {index}: {}", shown(path), nothing_tells(keys)));
                    return;
                };
                path.push(element);
                walk(items, item, path, faults);
                path.pop();
            }
            let all = Items::of(keys, list);
            for element in all.elements().iter().filter(|element| all.get(element).len() > 1) {
                faults.push(format!("{}: duplicate entries for key {}", shown(path), element::shown(&[element])));
            }
        }
        _ => {}
    }
}

fn shown(path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    element::shown(&path)
}

fn nothing_tells(keys: &[&str]) -> String {
    if keys.is_empty() {
        "a set may not have null, a list or an object for an element".to_owned()
    } else {
        format!("associative list with keys has an element that omits all key fields {keys:?}")
    }
}

fn is_a(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" | "number" => value.is_number(),
        _ => true,
    }
}

fn name_of(wanted: &str) -> &str {
    match wanted {
        "object" => "map",
        "array" => "list",
        "integer" | "number" => "numeric (int or float)",
        other => other,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// What is applied in the spelling in which it is stored, so that one who applies `TLS` where `tls` is stored changes nothing and is in
/// nobody's way. No field is added: defaults are nobody's.
pub(super) fn canonical(kind: &Kind, shape: &Shape, applied: &Map<String, Value>) -> Map<String, Value> {
    let mut spelt = applied.clone();
    let mut body = applied.clone();
    for name in ["apiVersion", "kind", "metadata"] {
        body.shift_remove(name);
    }
    let mut object =
        Object { api_version: kind.api_version(), kind: kind.kind.to_owned(), metadata: ObjectMeta::default(), body };
    (kind.default)(&mut object);
    // The texts of a Secret are written in one field and kept in another, where whoever wrote them owns them.
    if kind.sensitive
        && let Some(Value::Object(texts)) = spelt.shift_remove("stringData")
        && let Some(data) = spelt.entry("data").or_insert_with(|| Map::new().into()).as_object_mut()
    {
        data.extend(texts);
    }
    for (name, value) in &mut spelt {
        if let (Some(shape), Some(stored)) = (shape.member(name), object.body.get(name)) {
            respell(shape, value, stored);
        }
    }
    spelt
}

/// Gives `written` the values of `stored`. What is not there is dropped; what one owns as a whole is taken as a whole.
fn respell(shape: &Shape, written: &mut Value, stored: &Value) {
    match (shape, written, stored) {
        (_, Value::Null, _) => {}
        (Shape::Struct { .. } | Shape::Map(_) | Shape::Any, Value::Object(written), Value::Object(stored)) => {
            written.retain(|name, value| match (shape.member(name), stored.get(name)) {
                (Some(shape), Some(stored)) => {
                    respell(shape, value, stored);
                    true
                }
                _ => value.is_null(),
            });
        }
        (Shape::List { items, .. }, Value::Array(written), Value::Array(stored)) if written.len() == stored.len() => {
            written.iter_mut().zip(stored).for_each(|(written, stored)| respell(items, written, stored));
        }
        (Shape::Scalar(_) | Shape::Atomic(_) | Shape::Any, written, stored) => *written = stored.clone(),
        _ => {}
    }
}
