//! Rows for people.
//!
//! Source: Kubernetes, `meta/v1` `Table`. kubectl prints the cells as they are.

use backstay_resources::{Object, age};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::partial;
use crate::query::IncludeObject;
use crate::served::ServedKind;

/// Writes the columns: the name, what the kind has, and the age. Events are told by when and what, as Kubernetes does; their names,
/// which nobody chose, come last and only if asked for.
pub(super) fn write_columns(served: &ServedKind, out: &mut Vec<u8>) {
    let kind = served.kind;
    let name = |priority: i32| {
        json!({
            "name": "Name", "type": "string", "format": "name", "priority": priority,
            "description": "Name, unique among the objects of this kind, within a namespace if they live in namespaces.",
        })
    };
    let mut columns = if served.is_event { Vec::new() } else { vec![name(0)] };
    columns.extend(kind.columns.iter().map(|column| {
        json!({
            "name": column.name, "type": column.kind, "format": column.format, "priority": column.priority,
            "description": column.description,
        })
    }));
    columns.push(if served.is_event {
        name(1)
    } else {
        json!({
            "name": "Age", "type": "string", "format": "", "priority": 0,
            "description": "Time since it was created.",
        })
    });
    out.extend_from_slice(Value::Array(columns).to_string().as_bytes());
}

/// Writes the row of an encoded object.
pub(super) fn write_row(
    served: &ServedKind,
    include: IncludeObject,
    encoded: &[u8],
    revision: u64,
    now: Timestamp,
    out: &mut Vec<u8>,
) {
    let kind = served.kind;
    let object = Object::decode(encoded).unwrap_or_else(|error| {
        tracing::error!(kind = kind.kind, %error, "a stored object cannot be decoded");
        Object::default()
    });
    let mut cells = Vec::with_capacity(kind.columns.len() + 2);
    let name = Value::String(object.metadata.name.clone());
    if served.is_event {
        cells.extend((kind.cells)(&object));
        cells.push(name);
    } else {
        cells.push(name);
        cells.extend((kind.cells)(&object));
        let created = object.metadata.creation_timestamp;
        let age = created.map_or_else(|| "<unknown>".to_owned(), |at| age::human(now.as_second() - at.0.as_second()));
        cells.push(Value::String(age));
    }
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
