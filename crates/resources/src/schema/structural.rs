//! From the schemas that schemars derives to the subset that Kubernetes calls structural.

use serde_json::{Map, Value, json};

/// Keywords that say nothing to Kubernetes' clients: defaults are filled in by code, and null is never stored.
const DROPPED: [&str; 3] = ["title", "default", "nullable"];

/// Rewrites a schema and everything below it.
pub(super) fn rewrite(schema: &mut Value) {
    if *schema == Value::Bool(true) {
        *schema = json!({"x-kubernetes-preserve-unknown-fields": true});
    }
    let Some(keywords) = schema.as_object_mut() else { return };
    for keyword in DROPPED {
        keywords.remove(keyword);
    }
    unwrap_option(keywords);
    flatten_choice(keywords);
    keep_anything(keywords);
    name_integer(keywords);
    if let Some(Value::String(description)) = keywords.get_mut("description") {
        *description = unwrapped(description);
    }
    name_list_type(keywords);
    if let Some(properties) = keywords.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(rewrite);
    }
    for below in ["items", "additionalProperties"] {
        if let Some(schema) = keywords.get_mut(below) {
            rewrite(schema);
        }
    }
}

/// An optional value is derived as "this or null": it becomes this.
fn unwrap_option(keywords: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = keywords.remove("anyOf") else { return };
    let value = variants.into_iter().find(|variant| variant.get("enum") != Some(&json!([null])));
    if let Some(Value::Object(value)) = value {
        for (keyword, content) in value {
            // The description of the field says more than that of its type.
            if !keywords.contains_key(&keyword) {
                keywords.insert(keyword, content);
            }
        }
    }
}

/// An enum whose variants are documented is derived as one schema for each: it becomes one list.
fn flatten_choice(keywords: &mut Map<String, Value>) {
    if let Some(Value::Array(variants)) = keywords.remove("oneOf") {
        let values = variants.iter().filter_map(|variant| variant["enum"].as_array()).flatten().cloned().collect();
        keywords.insert("type".into(), json!("string"));
        keywords.insert("enum".into(), Value::Array(values));
    }
    if let Some(Value::Array(values)) = keywords.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// A map of anything.
fn keep_anything(keywords: &mut Map<String, Value>) {
    if keywords.get("additionalProperties") == Some(&Value::Bool(true)) {
        keywords.remove("additionalProperties");
        keywords.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
    }
}

/// A list that does not say otherwise is written as a whole, which is what Kubernetes takes it for.
fn name_list_type(keywords: &mut Map<String, Value>) {
    if keywords.get("type") == Some(&json!("array")) {
        keywords.entry("x-kubernetes-list-type").or_insert_with(|| json!("atomic"));
    }
}

/// OpenAPI knows integers of 32 and 64 bits with a sign. Others become the next larger one, with bounds.
fn name_integer(keywords: &mut Map<String, Value>) {
    let (format, maximum) = match keywords.get("format").and_then(Value::as_str) {
        Some("uint8") => ("int32", Some(json!(u8::MAX))),
        Some("uint16") => ("int32", Some(json!(u16::MAX))),
        Some("uint32") => ("int64", Some(json!(u32::MAX))),
        Some("uint64" | "uint") => ("int64", None),
        _ => return,
    };
    keywords.insert("format".into(), json!(format));
    if let Some(maximum) = maximum {
        keywords.entry("maximum").or_insert(maximum);
    }
}

/// The text of a doc comment without the line breaks that the width of a source file caused.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
