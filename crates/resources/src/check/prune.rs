use serde_json::Value;

use super::{keeps_unknown, values_of};
use crate::decode::MAX_SURPLUS;
use crate::field::{Step, Surplus, Trail};
use crate::kind::Kind;

/// Drops the fields that `kind` does not have, and names them: the first [`MAX_SURPLUS`].
///
/// `fieldValidation=Strict` refuses an object for them before anything else is looked at, so this can be called before
/// [`admit`](super::admit), which then finds none.
pub fn prune(kind: &Kind, value: &mut Value) -> Vec<Surplus> {
    let mut unknown = Vec::new();
    walk((kind.schema)(), value, &Trail::ROOT, &mut unknown);
    unknown
}

fn walk(schema: &Value, value: &mut Value, trail: &Trail<'_>, unknown: &mut Vec<Surplus>) {
    match value {
        Value::Object(fields) => {
            if let Some(values) = values_of(schema) {
                for (key, value) in fields {
                    walk(values, value, &trail.step(Step::Key(key)), unknown);
                }
                return;
            }
            // A field of another type is for the check of types to report.
            if keeps_unknown(schema) || schema.get("type").and_then(Value::as_str) != Some("object") {
                return;
            }
            let properties = schema.get("properties");
            fields.retain(|name, value| {
                let trail = trail.step(Step::Field(name));
                match properties.and_then(|properties| properties.get(name)) {
                    Some(schema) => {
                        walk(schema, value, &trail, unknown);
                        true
                    }
                    None => {
                        if unknown.len() < MAX_SURPLUS {
                            unknown.push(Surplus::Unknown(trail.path()));
                        }
                        false
                    }
                }
            });
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                walk(schema, item, &trail.step(Step::Index(index)), unknown);
            }
        }
        _ => (),
    }
}
