//! Core `v1`: namespaces and secrets.

mod namespace;
mod secret;

pub use self::secret::{KeyPair, MaterialFault};

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Scope, Selectable};
use crate::meta::ObjectMeta;
use crate::object::Resource;
use crate::{schema, table};

/// A scope for names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Namespace {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: NamespaceSpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: NamespaceStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamespaceSpec {
    /// Who must act before the namespace may go. Kept as it is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamespaceStatus {
    /// `Active` or `Terminating`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phase: String,
}

/// Sensitive data. Its values never appear in logs or in debug output.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// `Opaque`, the default, or `kubernetes.io/tls`, which needs `tls.crt` and `tls.key`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Values, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// Values as text; merged into `data` on write, never read back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub string_data: BTreeMap<String, String>,
    /// Whether `data` may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secret")
            .field("metadata", &self.metadata)
            .field("kind", &self.kind)
            .field("keys", &self.data.keys())
            .finish_non_exhaustive()
    }
}

impl Resource for Namespace {
    const KIND: &'static Kind = &NAMESPACE;
}

impl Resource for Secret {
    const KIND: &'static Kind = &SECRET;
}

/// `namespaces`.
pub static NAMESPACE: Kind = Kind {
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    singular: "namespace",
    scope: Scope::Cluster,
    short_names: &["ns"],
    categories: &[],
    has_status: true,
    schema: schema::of::<Namespace>,
    columns: namespace::COLUMNS,
    cells: namespace::cells,
    selectable: &[],
    default: namespace::fill,
    validate: |_, _| Vec::new(),
    warn: |_| Vec::new(),
};

/// `secrets`.
pub static SECRET: Kind = Kind {
    group: "",
    version: "v1",
    kind: "Secret",
    plural: "secrets",
    singular: "secret",
    scope: Scope::Namespaced,
    short_names: &[],
    categories: &[],
    has_status: false,
    schema: schema::of::<Secret>,
    columns: secret::COLUMNS,
    cells: secret::cells,
    selectable: &[Selectable { path: "type", value: |object| table::text_at(object, "/type").to_owned() }],
    default: secret::fill,
    validate: secret::find,
    warn: secret::warn,
};
