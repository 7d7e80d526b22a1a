//! Lists and maps that are there and empty, which protobuf cannot say by itself.

use serde_json::{Map, Value};

use super::super::shape::{Field, Many, Message, ResourceShape, Shape};

/// Puts an empty list or map at a path such as `spec.rules[0].filters`. `None` if there can be none, or something is there.
pub(super) fn add(shape: &ResourceShape, path: &str, object: &mut Map<String, Value>) -> Option<()> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    if let Some(field) = shape.metadata.by_name(first) {
        let metadata = object.get_mut("metadata")?.as_object_mut()?;
        return put(field, None, rest, metadata);
    }
    below(&shape.body, path, object)
}

fn below(message: &Message, path: &str, object: &mut Map<String, Value>) -> Option<()> {
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, index) = match segment.split_once('[') {
        Some((name, index)) => (name, Some(index.strip_suffix(']')?.parse::<usize>().ok()?)),
        None => (segment, None),
    };
    put(message.by_name(name)?, index, rest, object)
}

fn put(field: &Field, index: Option<usize>, rest: &str, object: &mut Map<String, Value>) -> Option<()> {
    if rest.is_empty() {
        let empty = match (field.many, index) {
            (Many::List, None) => Value::Array(Vec::new()),
            (Many::Map, None) => Value::Object(Map::new()),
            _ => return None,
        };
        if object.contains_key(&field.json) {
            return None;
        }
        object.insert(field.json.clone(), empty);
        return Some(());
    }
    let Shape::Message(message) = &field.shape else { return None };
    let value = object.get_mut(&field.json)?;
    let value = match (field.many, index) {
        (Many::One, None) => value,
        (Many::List, Some(index)) => value.get_mut(index)?,
        _ => return None,
    };
    below(message, rest, value.as_object_mut()?)
}
