//! Target and selection on what has been decoded already. JSON never comes here: it is selected while it is read.

use super::ArrayTargets;
use crate::document::{Keep, Member, Object, Value};

/// The object that `path` leads to, or an empty one.
pub(super) fn target(object: Object, path: &[Box<[u8]>], arrays: ArrayTargets) -> Object {
    let mut object = object;
    for (at, name) in path.iter().enumerate() {
        let Some(value) = object.get(name) else { return Object::empty() };
        let last = at + 1 == path.len();
        object = match value.open() {
            Value::Object(object) => object,
            array @ Value::Array(_) if last && arrays == ArrayTargets::Collection => {
                Object::single(&b"collection"[..], array)
            }
            _ => return Object::empty(),
        };
    }
    object
}

/// What of an object is kept.
pub(super) fn keep(object: Object, keep: Keep<'_>) -> Object {
    if let Keep::All = keep {
        return object;
    }
    let kept = object.into_members().into_iter().filter_map(|(name, value)| {
        let value = match keep.member(&name) {
            Member::Dropped => return None,
            Member::Kept(keep) => within(value, keep),
            Member::Within(keep) => match within(value.into_object().map(Value::Object)?, keep) {
                Value::Object(object) if object.is_empty() => return None,
                kept => kept,
            },
        };
        Some((name, value))
    });
    Object::from_sorted(kept.collect())
}

fn within(value: Value, kept: Keep<'_>) -> Value {
    match (value, kept) {
        (value, Keep::All) => value,
        (Value::Object(object), kept) => Value::Object(keep(object, kept)),
        (value, _) => value,
    }
}
