//! The schemas of a kind and of its lists, and what they are called.

use backstay_resources::Kind;
use serde_json::{Value, json};

/// The path below which a group and version is served.
pub(super) fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// The name of the schema of a kind: its group the other way around, so that names sort by owner.
pub(super) fn schema_name(kind: &Kind) -> String {
    if kind.group.is_empty() {
        return format!("io.k8s.api.core.{}.{}", kind.version, kind.kind);
    }
    let group: Vec<&str> = kind.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
}

/// Names the kind of an object or of an operation.
pub(super) fn group_version_kind(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

/// The schemas of a kind and of its lists. `reference` is what comes before the name of a schema in a reference.
pub(super) fn schemas(kind: &Kind, reference: &str) -> [(String, Value); 2] {
    let name = schema_name(kind);
    let mut object = (kind.schema)().clone();
    object["x-kubernetes-group-version-kind"] = json!([group_version_kind(kind)]);
    let list = json!({
        "type": "object",
        "description": format!("A list of {}.", kind.plural),
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Group and version of the schema of this object."},
            "kind": {"type": "string", "description": "Kind of object."},
            "metadata": {
                "type": "object",
                "description": "Standard list metadata.",
                "properties": {
                    "continue": {"type": "string", "description": "Where the next page begins, if there is one."},
                    "remainingItemCount": {
                        "type": "integer", "format": "int64", "description": "How many objects come after this page.",
                    },
                    "resourceVersion": {"type": "string", "description": "Version of the state that was listed."},
                },
            },
            "items": {
                "type": "array", "description": "The objects.",
                "items": {"$ref": format!("{reference}{name}")},
            },
        },
        "x-kubernetes-group-version-kind": [
            {"group": kind.group, "version": kind.version, "kind": format!("{}List", kind.kind)},
        ],
    });
    [(name.clone(), object), (format!("{name}List"), list)]
}
