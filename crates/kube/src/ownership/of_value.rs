//! The fields that a value sets.
//!
//! Source: Kubernetes, `structured-merge-diff`, `typed.ToFieldSet`: structures are not in the set, what they hold is; keys of
//! maps and items of lists are in it beside what is below them.

use std::borrow::Cow;

use serde_json::Value;

use super::element;
use super::items::{Items, list_of};
use super::set::FieldSet;
use super::shape::Shape;

/// The fields that `value` sets.
pub(crate) fn fields_of(shape: &Shape, value: &Value) -> FieldSet<'static> {
    walk(shape, value).1
}

/// Whether the value is itself in the set, and what below it is.
fn walk(shape: &Shape, value: &Value) -> (bool, FieldSet<'static>) {
    let mut below = FieldSet::default();
    match shape {
        Shape::Scalar(_) | Shape::Atomic(_) => return (true, below),
        Shape::Any if !value.is_object() => return (true, below),
        Shape::Struct { .. } | Shape::Map(_) | Shape::Any => {
            for (name, value) in value.as_object().into_iter().flatten() {
                let named = match shape {
                    Shape::Struct { fields, .. } => fields.get(name.as_str()),
                    _ => None,
                };
                let Some(shape) = shape.member(name) else { continue };
                let (itself, fields) = walk(shape, value);
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                let element =
                    named.map_or_else(|| Cow::Owned(element::field(name)), |field| Cow::Borrowed(field.element));
                below.push(element, itself || empty || named.is_none(), fields);
            }
        }
        Shape::List { keys, items } => {
            let all = Items::of(keys, list_of(Some(value)));
            for element in all.elements() {
                let fields = match all.get(element) {
                    [item] => walk(items, item).1,
                    _ => FieldSet::default(),
                };
                below.push(Cow::Owned(element.clone()), true, fields);
            }
        }
    }
    below.sort();
    (false, below)
}
