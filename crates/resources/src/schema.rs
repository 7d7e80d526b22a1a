//! JSON schemas of whole objects, from their Rust types.

mod structural;
#[cfg(test)]
mod tests;

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

static BUILT: LazyLock<Mutex<HashMap<TypeId, &'static Value>>> = LazyLock::new(Mutex::default);

/// The schema of the objects of `T`: its own properties, with `apiVersion` and `kind`. Built once for each type.
///
/// It is a structural schema, as Kubernetes publishes them: every value has one `type`, choices are plain `enum` lists,
/// and there are no references.
pub fn of<T: JsonSchema + 'static>() -> &'static Value {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(TypeId::of::<T>()).or_insert_with(|| Box::leak(Box::new(generate::<T>())))
}

fn generate<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::openapi3();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    structural::rewrite(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let api_version = "Group and version of the schema of this object, such as core.apoxy.dev/v1alpha2.";
        properties.insert("apiVersion".into(), json!({"type": "string", "description": api_version}));
        let kind = "Kind of object. Cannot be changed.";
        properties.insert("kind".into(), json!({"type": "string", "description": kind}));
    }
    schema
}
