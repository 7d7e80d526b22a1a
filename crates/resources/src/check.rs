//! From any JSON value to a checked [`Object`](crate::Object).
//!
//! [`admit`] is the one way in, for a request to the API as for a file that is checked offline. Its steps, in order:
//!
//! 1. [`prune`]: fields that the kind does not have are dropped and reported;
//! 2. shape: types, formats and bounds against the schema of the kind; null is the same as absent;
//! 3. [`Kind::default`](crate::Kind::default): defaults and canonical spellings;
//! 4. choice: values of enumerations, after canonical spelling so that `H2` is `h2`;
//! 5. items of lists that are told apart by a key: each key once;
//! 6. metadata, and [`Kind::validate`](crate::Kind::validate).
//!
//! What is wrong is reported all at once: a field that fails a step is taken out, the rest goes on, and errors that only
//! follow from the field being gone are not reported.

mod admit;
mod choice;
mod metadata;
mod prune;
mod shape;
mod unique;
mod update;

#[cfg(test)]
mod tests;

pub(crate) use self::admit::typed;
pub use self::admit::{Admitted, MAX_ERRORS, admit};
pub use self::prune::prune;

use serde_json::{Map, Value};

use crate::field::{FieldError, Step, Trail};
use crate::kind::Kind;

/// What is wrong with the type or format of a field of the metadata of an object of `kind`; not with what is within it.
pub fn metadata_field(kind: &Kind, name: &str, value: &Value) -> Vec<FieldError> {
    let within = |schema: &'static Value, name: &str| schema.get("properties").and_then(|fields| fields.get(name));
    let schema = within((kind.schema)(), "metadata").and_then(|schema| within(schema, name));
    let mut errors = Vec::new();
    let mut outermost = match value {
        Value::Null => return errors,
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
        scalar => scalar.clone(),
    };
    if let Some(schema) = schema {
        let above = Trail::ROOT.step(Step::Field("metadata"));
        shape::check(schema, &mut outermost, &above.step(Step::Field(name)), &mut errors);
    }
    errors
}

/// The schema of the values of a map, when `schema` is of a map.
fn values_of(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|values| values.is_object())
}

/// Whether `schema` says that everything below is kept as it is.
fn keeps_unknown(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
}

/// The schema of what is at `path`, such as `spec.rules[2]`; empty for the whole. `None` where the kind has no such field.
#[must_use]
pub fn schema_at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.into_iter().try_fold(schema, |schema, step| match step.ends_with(']') {
        true => schema.get("items").or_else(|| values_of(schema)),
        false => schema.get("properties").and_then(|fields| fields.get(step)).or_else(|| values_of(schema)),
    })
}

/// Checks each item of an array of `schema`. Returns whether all of them may stay.
fn each(
    schema: &Value,
    items: &mut [Value],
    trail: &Trail<'_>,
    mut check: impl FnMut(&Value, &mut Value, &Trail<'_>) -> bool,
) -> bool {
    let Some(schema) = schema.get("items") else { return true };
    let mut stays = true;
    for (index, item) in items.iter_mut().enumerate() {
        stays &= check(schema, item, &trail.step(Step::Index(index)));
    }
    stays
}
