//! Types, formats and bounds, as the schema says.

use serde_json::{Map, Value};

use super::{each, keeps_unknown, values_of};
use crate::GoDuration;
use crate::field::{FieldError, Step, Trail};

/// Checks a value against its schema. Whatever fails is reported and taken out, and so is null where a value is
/// optional. Integers that are written as floats become integers.
///
/// Returns whether the value as a whole may stay.
pub(super) fn check(schema: &Value, value: &mut Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> bool {
    let Some(wanted) = schema.get("type").and_then(Value::as_str) else { return true };
    whole(wanted, value);
    if !is_a(wanted, value) {
        let path = trail.path();
        let found = type_name(value);
        let detail = format!("{path} in body must be of type {wanted}: {found:?}");
        errors.push(FieldError::type_invalid(path, found, detail.trim_start_matches(' ')));
        return false;
    }
    match value {
        Value::Object(fields) => object(schema, fields, trail, errors),
        Value::Array(items) => each(schema, items, trail, |schema, item, trail| check(schema, item, trail, errors)),
        Value::String(text) => format(schema, text, trail, errors),
        Value::Number(_) => bounds(schema, value, trail, errors),
        Value::Null | Value::Bool(_) => true,
    }
}

fn object(schema: &Value, fields: &mut Map<String, Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> bool {
    if let Some(values) = values_of(schema) {
        // Kubernetes decodes null as the empty text where the values of a map are text.
        let is_text = values.get("type").and_then(Value::as_str) == Some("string");
        for value in fields.values_mut().filter(|value| is_text && value.is_null()) {
            *value = Value::String(String::new());
        }
        fields.retain(|key, value| !value.is_null() && check(values, value, &trail.step(Step::Key(key)), errors));
        return true;
    }
    if keeps_unknown(schema) {
        return true;
    }
    let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    let mut gone = Vec::new();
    fields.retain(|name, value| {
        let Some(schema) = property(name) else { return true };
        let stays = !value.is_null() && check(schema, value, &trail.step(Step::Field(name)), errors);
        if !stays && !value.is_null() {
            gone.push(name.clone());
        }
        stays
    });
    let mut stays = true;
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if fields.contains_key(name) {
            continue;
        }
        stays = false;
        // One that was there and failed has been reported.
        if !gone.iter().any(|gone| gone == name) {
            errors.push(FieldError::required(trail.step(Step::Field(name)).path(), ""));
        }
    }
    stays
}

fn format(schema: &Value, text: &str, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> bool {
    let problem = match schema.get("format").and_then(Value::as_str) {
        Some("go-duration") => text.parse::<GoDuration>().err().map(|error| error.to_string()),
        Some("date-time") => {
            let problem = "must be a date and time as in RFC 3339, such as \"2006-01-02T15:04:05Z\"";
            text.parse::<jiff::Timestamp>().err().map(|_| problem.to_owned())
        }
        _ => None,
    };
    match problem {
        Some(problem) => {
            errors.push(FieldError::invalid(trail.path(), text, &problem));
            false
        }
        None => true,
    }
}

fn bounds(schema: &Value, value: &Value, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> bool {
    let (Some(number), format) = (value.as_f64(), schema.get("format").and_then(Value::as_str)) else { return true };
    let (low, high) = match format {
        Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
        // Beyond i64, `as_i64` fails and the value is no integer.
        _ => (None, None),
    };
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let (low, high) = (bound("minimum").or(low), bound("maximum").or(high));
    let path = || trail.path();
    let problem = match (low, high) {
        (Some(low), _) if number < low => format!("{} in body should be greater than or equal to {low}", path()),
        (_, Some(high)) if number > high => format!("{} in body should be less than or equal to {high}", path()),
        _ => return true,
    };
    errors.push(FieldError::invalid(path(), format_args!("{value}"), &problem));
    false
}

/// Makes an integer of a float without a fraction, as Kubernetes does: some clients write every number as a float.
fn whole(wanted: &str, value: &mut Value) {
    if wanted == "integer"
        && !value.is_i64()
        && let Some(float) = value.as_f64()
        && float.fract() == 0.0
        && float.abs() < 9.0e15
    {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        let whole = float as i64;
        *value = whole.into();
    }
}

fn is_a(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        _ => true,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
