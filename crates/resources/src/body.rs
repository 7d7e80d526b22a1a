//! The parts of an object that defaults are filled into.
//!
//! Defaults are filled in before an object has a Rust type, so that what is stored is what the user wrote and the
//! defaults, in the user's own spelling.

use serde_json::{Map, Value};

/// Fields of an object.
pub(crate) type Fields = Map<String, Value>;

/// The object under `name`, which is made if absent. Nothing when another value is there.
pub(crate) fn make<'a>(fields: &'a mut Fields, name: &str) -> Option<&'a mut Fields> {
    if !fields.contains_key(name) {
        fields.insert(name.to_owned(), Value::Object(Map::new()));
    }
    object(fields, name)
}

/// The object under `name`.
pub(crate) fn object<'a>(fields: &'a mut Fields, name: &str) -> Option<&'a mut Fields> {
    fields.get_mut(name)?.as_object_mut()
}

/// The objects of the list under `name`.
pub(crate) fn list<'a>(fields: &'a mut Fields, name: &str) -> impl Iterator<Item = &'a mut Fields> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Fills in a field that is absent.
pub(crate) fn default(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    if !fields.contains_key(name) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Replaces the text under `name` by its lower-case form.
pub(crate) fn fold_case(fields: &mut Fields, name: &str) {
    if let Some(Value::String(text)) = fields.get_mut(name) {
        text.make_ascii_lowercase();
    }
}

/// Removes the field `name` when it is an empty text, which Go clients write for an absent one.
pub(crate) fn drop_empty(fields: &mut Fields, name: &str) {
    if fields.get(name) == Some(&Value::String(String::new())) {
        fields.remove(name);
    }
}
