//! Taking fields out of a value.
//!
//! Source: Kubernetes, `structured-merge-diff`, `typed.RemoveItems`.

use serde_json::Value;

use super::element;
use super::items::element_of;
use super::set::FieldSet;
use super::shape::Shape;

/// Takes the fields of `gone` out of `value`, each with all that is below it. What is left without anything stays, since
/// somebody owns it: what nobody owns is itself in `gone`. A list stays as null, which is a value of its own, as an empty
/// object is.
pub(crate) fn remove(shape: &Shape, value: &mut Value, gone: &FieldSet<'_>) {
    if gone.is_empty() {
        return;
    }
    match (shape, &mut *value) {
        (Shape::Struct { .. } | Shape::Map(_) | Shape::Any, Value::Object(fields)) => {
            fields.retain(|name, value| {
                let Some(node) = gone.get(&element::field(name)) else { return true };
                if let Some(shape) = shape.member(name).filter(|_| !node.member) {
                    remove(shape, value, &node.below);
                }
                !node.member
            });
        }
        (Shape::List { keys, items }, Value::Array(list)) => {
            list.retain_mut(|item| {
                let Some(node) = element_of(keys, item).and_then(|element| gone.get(&element)) else { return true };
                if !node.member {
                    remove(items, item, &node.below);
                }
                !node.member
            });
            if list.is_empty() {
                *value = Value::Null;
            }
        }
        _ => {}
    }
}
