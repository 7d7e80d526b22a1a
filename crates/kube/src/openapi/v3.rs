//! OpenAPI 3, a document for each group and version.

use backstay_resources::Kind;
use serde_json::{Map, Value, json};

use super::paths::Dialect;
use super::schema::schemas;

const REFERENCE: &str = "#/components/schemas/";

/// The document of the kinds of one group and version.
pub(super) fn document(kinds: &[&'static Kind], version: &str) -> Value {
    let dialect = Dialect { version: 3, reference: REFERENCE };
    let (mut paths, mut all) = (Map::new(), Map::new());
    for kind in kinds {
        dialect.add_paths(kind, &mut paths);
        all.extend(schemas(kind, REFERENCE));
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Backstay", "version": version},
        "paths": paths,
        "components": {"schemas": all},
    })
}
