//! The schemas of what is served, as clients read them: to explain, to check before sending, and to learn which query
//! parameters there are.
//!
//! Source: OpenAPI 3.0 and 2.0 with Kubernetes' `x-kubernetes-` extensions.

mod parameters;
mod paths;
mod v2;
mod v3;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::Kind;
use serde_json::{Value, json};

use crate::api::Served;
use crate::discovery::Document;

/// `Document { swagger: "2.0" }` in protobuf. Older kubectl reads nothing else, and takes the schemas from version 3.
pub(crate) const V2_PROTOBUF: &[u8] = &[0x0a, 0x03, b'2', b'.', b'0'];
/// The media type of [`V2_PROTOBUF`].
pub(crate) const V2_PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// How newer clients call it in `Accept`.
pub(crate) const V2_PROTOBUF_ACCEPT: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// All OpenAPI documents.
#[derive(Debug)]
pub(crate) struct OpenApi {
    pub(crate) v2: Document,
    pub(crate) index: Document,
    /// By group and version.
    documents: BTreeMap<(String, String), Document>,
}

impl OpenApi {
    pub(crate) fn new(kinds: &[Arc<Served>], version: &str) -> Self {
        let mut by_version: BTreeMap<(String, String), Vec<&'static Kind>> = BTreeMap::new();
        for kind in kinds.iter().map(|served| served.kind) {
            by_version.entry((kind.group.to_owned(), kind.version.to_owned())).or_default().push(kind);
        }
        let documents: BTreeMap<_, _> =
            by_version.into_iter().map(|(name, kinds)| (name, Document::new(&v3::document(&kinds, version)))).collect();
        let paths: BTreeMap<String, Value> = documents
            .iter()
            .map(|((group, version), document)| {
                let path = root(group, version);
                let hash = document.etag.trim_matches('"');
                (path[1..].to_owned(), json!({"serverRelativeURL": format!("/openapi/v3{path}?hash={hash}")}))
            })
            .collect();
        let all: Vec<&'static Kind> = kinds.iter().map(|served| served.kind).collect();
        Self {
            v2: Document::new(&v2::document(&all, version)),
            index: Document::new(&json!({"paths": paths})),
            documents,
        }
    }

    /// The schemas of a group and version.
    pub(crate) fn document(&self, group: &str, version: &str) -> Option<&Document> {
        self.documents.get(&(group.to_owned(), version.to_owned()))
    }
}

/// The path below which a group and version is served.
fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// The name of the schema of a kind: its group the other way around, so that names sort by owner.
fn schema_name(kind: &Kind) -> String {
    if kind.group.is_empty() {
        return format!("io.k8s.api.core.{}.{}", kind.version, kind.kind);
    }
    let group: Vec<&str> = kind.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
}

/// Names the kind of an object or of an operation.
fn group_version_kind(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

/// The schemas of a kind and of its lists. `reference` is what comes before the name of a schema in a reference.
fn schemas(kind: &Kind, reference: &str) -> [(String, Value); 2] {
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
