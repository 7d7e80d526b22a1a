//! Merging what somebody applies into what is there.
//!
//! Source: Kubernetes, `structured-merge-diff`, `typed.Merge`: also for the order of lists, which is that of what is applied
//! among its own items, and that of what is there among all others.

use serde_json::{Map, Value};

use super::items::{Items, element_of};
use super::shape::Shape;

/// `live` with `applied` merged into it; at least one is there.
pub(crate) fn merge(shape: &Shape, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let (Some(old), Some(new)) = (live, applied) else { return applied.or(live).cloned() };
    match shape {
        Shape::Struct { .. } | Shape::Map(_) | Shape::Any => match (old.as_object(), new.as_object()) {
            (Some(old), Some(new)) => Some(Value::Object(members(shape, old, new))),
            // Absent and null are the same for an object, so that it takes nothing away.
            (Some(_), None) if new.is_null() && !matches!(shape, Shape::Any) => live.cloned(),
            _ => applied.cloned(),
        },
        Shape::List { keys, items } => match (old, new) {
            (Value::Array(_), Value::Null) => live.cloned(),
            (Value::Array(old), Value::Array(new)) if !(old.is_empty() && new.is_empty()) => {
                Some(Value::Array(merge_items(keys, items, old, new)))
            }
            _ => applied.cloned(),
        },
        Shape::Scalar(_) | Shape::Atomic(_) => applied.cloned(),
    }
}

fn members(shape: &Shape, live: &Map<String, Value>, applied: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = live.clone();
    for (name, value) in applied {
        let shape = shape.member(name).unwrap_or(&Shape::Atomic(""));
        if let Some(value) = merge(shape, live.get(name), Some(value)) {
            merged.insert(name.clone(), value);
        }
    }
    merged
}

fn merge_items(keys: &[&str], shape: &Shape, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let (theirs, ours) = (Items::of(keys, live), Items::of(keys, applied));
    // Items that a list has twice stay where they are, unless the item is applied.
    let live: Vec<(Option<String>, &Value)> = live.iter().map(|item| (element_of(keys, item), item)).collect();
    let applied = ours.elements();
    let mut shared = applied.iter().filter(|element| !theirs.get(element).is_empty()).peekable();
    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let mut done = std::collections::HashSet::with_capacity(applied.len());
    let take = |element: &String| {
        let old = match theirs.get(element) {
            [item] => Some(*item),
            // Of what is there twice nothing says which one is meant.
            _ => None,
        };
        merge(shape, old, ours.get(element).first().copied())
    };
    let (mut left, mut right) = (0, 0);
    while left < live.len() || right < applied.len() {
        if let Some((element, item)) = live.get(left) {
            let is_applied = element.as_ref().is_some_and(|element| !ours.get(element).is_empty());
            if let (Some(element), Some(next)) = (element, applied.get(right)) {
                if element == next {
                    merged.extend(take(element));
                    done.insert(element.clone());
                    (left, right) = (left + 1, right + 1);
                    shared.next();
                    continue;
                }
                if is_applied && shared.peek().is_some_and(|shared| *shared != element) {
                    // It comes where the applied order has it.
                    left += 1;
                    continue;
                }
            }
            if !is_applied {
                merged.push((*item).clone());
                left += 1;
                continue;
            }
            if element.as_ref().is_some_and(|element| done.contains(element)) {
                left += 1;
            }
        }
        if let Some(element) = applied.get(right) {
            merged.extend(take(element));
            done.insert(element.clone());
            right += 1;
            if shared.peek().is_some_and(|shared| *shared == element) {
                shared.next();
            }
        }
    }
    merged
}
