//! OpenAPI 2, one document for all.

use backstay_resources::Kind;
use serde_json::{Map, Value, json};

use super::paths::Dialect;
use super::schema::schemas;

const REFERENCE: &str = "#/definitions/";

/// The document of all kinds.
pub(super) fn document(kinds: &[&'static Kind], version: &str) -> Value {
    let dialect = Dialect { version: 2, reference: REFERENCE };
    let (mut paths, mut all) = (Map::new(), Map::new());
    for kind in kinds {
        dialect.add_paths(kind, &mut paths);
        for (name, mut schema) in schemas(kind, REFERENCE) {
            plain(&mut schema);
            all.insert(name, schema);
        }
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "Backstay", "version": version},
        "paths": paths,
        "definitions": all,
    })
}

/// Drops what OpenAPI 2 does not know.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("nullable").is_some_and(Value::is_boolean) {
                fields.remove("nullable");
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}
