//! The schemas of what is served, as clients read them: to explain, to check before sending, and to learn which query
//! parameters there are.
//!
//! Source: OpenAPI 3.0 and 2.0 with Kubernetes' `x-kubernetes-` extensions.

mod parameters;
mod paths;
mod schema;
mod v2;
mod v3;

use std::collections::BTreeMap;

use backstay_resources::Kind;
use serde_json::{Value, json};

use self::schema::root;
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
    pub(crate) fn new(kinds: Vec<&'static Kind>, version: &str) -> Self {
        let mut by_version: BTreeMap<(String, String), Vec<&'static Kind>> = BTreeMap::new();
        for &kind in &kinds {
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
        Self {
            v2: Document::new(&v2::document(&kinds, version)),
            index: Document::new(&json!({"paths": paths})),
            documents,
        }
    }

    /// The schemas of a group and version.
    pub(crate) fn document(&self, group: &str, version: &str) -> Option<&Document> {
        self.documents.get(&(group.to_owned(), version.to_owned()))
    }
}
