//! Taking fields out of a value.
//!
//! Source: Kubernetes, `structured-merge-diff`, `typed.RemoveItems`.

use serde_json::Value;

use super::items::element_of;
use super::set::FieldSet;
use super::shape::Shape;

/// `value` without the fields of `gone`, each with all that is below it. What is left without anything goes too: `None` if
/// that is `value` itself.
pub(crate) fn remove(shape: &Shape, mut value: Value, gone: &FieldSet<'_>) -> Option<Value> {
    if gone.is_empty() {
        return Some(value);
    }
    let left = match (shape, &mut value) {
        (Shape::Struct { .. } | Shape::Map(_) | Shape::Any, Value::Object(fields)) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                let Some(node) = gone.get(&super::element::field(&name)) else { continue };
                let below = shape.member(&name).filter(|_| !node.member);
                let kept = match (below, fields.get_mut(&name).map(Value::take)) {
                    (Some(shape), Some(value)) => remove(shape, value, &node.below),
                    (None, Some(value)) => (!node.member).then_some(value),
                    (_, None) => None,
                };
                match kept {
                    Some(value) => fields.insert(name, value),
                    None => fields.shift_remove(&name),
                };
            }
            !fields.is_empty()
        }
        (Shape::List { keys, items }, Value::Array(list)) => {
            let kept = list.drain(..).filter_map(|item| {
                let Some(node) = element_of(keys, &item).and_then(|element| gone.get(&element)) else {
                    return Some(item);
                };
                if node.member { None } else { remove(items, item, &node.below) }
            });
            let kept: Vec<Value> = kept.collect();
            *list = kept;
            !list.is_empty()
        }
        _ => true,
    };
    left.then_some(value)
}
