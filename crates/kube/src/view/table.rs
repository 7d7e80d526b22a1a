//! Rows for people.
//!
//! Source: Kubernetes, `meta/v1` `Table`. kubectl prints the cells as they are.

use backstay_resources::{Kind, Object};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::partial;
use crate::age;
use crate::query::IncludeObject;

/// Writes the columns: the name, what the kind has, and the age.
pub(super) fn write_columns(kind: &Kind, out: &mut Vec<u8>) {
    let mut columns = vec![json!({
        "name": "Name", "type": "string", "format": "name", "priority": 0,
        "description": "Name, unique among the objects of this kind, within a namespace if they live in namespaces.",
    })];
    columns.extend(kind.columns.iter().map(|column| {
        json!({
            "name": column.name, "type": column.kind, "format": column.format, "priority": column.priority,
            "description": column.description,
        })
    }));
    columns.push(json!({
        "name": "Age", "type": "string", "format": "", "priority": 0,
        "description": "Time since it was created.",
    }));
    out.extend_from_slice(Value::Array(columns).to_string().as_bytes());
}

/// Writes the row of an encoded object.
pub(super) fn write_row(
    kind: &Kind,
    include: IncludeObject,
    encoded: &[u8],
    revision: u64,
    now: Timestamp,
    out: &mut Vec<u8>,
) {
    let object = Object::decode(encoded).unwrap_or_else(|error| {
        tracing::error!(kind = kind.kind, %error, "a stored object cannot be decoded");
        Object::default()
    });
    let mut cells = Vec::with_capacity(kind.columns.len() + 2);
    cells.push(Value::String(object.metadata.name.clone()));
    cells.extend((kind.cells)(&object));
    let created = object.metadata.creation_timestamp;
    let age = created.map_or_else(|| "<unknown>".to_owned(), |at| age::human(now.as_second() - at.0.as_second()));
    cells.push(Value::String(age));
    out.extend_from_slice(b"{\"cells\":");
    out.extend_from_slice(Value::Array(cells).to_string().as_bytes());
    match include {
        IncludeObject::None => out.extend_from_slice(b",\"object\":null"),
        IncludeObject::Metadata => {
            out.extend_from_slice(b",\"object\":");
            partial::write(encoded, revision, out);
        }
        IncludeObject::Object => {
            out.extend_from_slice(b",\"object\":");
            Object::with_resource_version(encoded, revision, out);
        }
    }
    out.push(b'}');
}
