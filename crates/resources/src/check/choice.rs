//! Values of enumerations. Apart from the other checks of the schema because canonical spellings come first.

use serde_json::Value;

use super::{each, keeps_unknown, values_of};
use crate::field::{FieldError, Step, Trail};

/// The keyword under which a schema says of a value why it, of all values, is not there.
pub(crate) const WHY_NOT: &str = "x-backstay-refused";

/// Checks the enumerations of a value that has its shape. Whatever fails is reported and taken out.
///
/// Returns whether the value as a whole may stay.
pub(super) fn check(schema: &Value, value: &mut Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> bool {
    match value {
        Value::Object(fields) => {
            if keeps_unknown(schema) {
                return true;
            }
            let values = values_of(schema);
            fields.retain(|name, value| {
                let step = if values.is_some() { Step::Key(name) } else { Step::Field(name) };
                let schema = values.or_else(|| schema.get("properties").and_then(|properties| properties.get(name)));
                schema.is_none_or(|schema| check(schema, value, &trail.step(step), errors))
            });
            let required = schema.get("required").and_then(Value::as_array);
            required.into_iter().flatten().filter_map(Value::as_str).all(|name| fields.contains_key(name))
        }
        Value::Array(items) => each(schema, items, trail, |schema, item, trail| check(schema, item, trail, errors)),
        Value::String(text) => {
            let Some(known) = schema.get("enum").and_then(Value::as_array) else { return true };
            let known: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
            if known.contains(&text.as_str()) {
                return true;
            }
            let mut error = FieldError::not_supported(trail.path(), &text, &known);
            if let Some(why) = schema.get(WHY_NOT).and_then(|values| values.get(text.as_str())).and_then(Value::as_str)
            {
                error.message = format!("{}: {why}", error.message);
            }
            errors.push(error);
            false
        }
        _ => true,
    }
}
