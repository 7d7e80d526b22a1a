mod defaults;
mod material;
mod rules;

#[cfg(test)]
mod tests;

pub use self::material::{KeyPair, MaterialFault};

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{Column, Kind, Scope, Selectable, Verb};
use crate::meta::{Condition, ObjectMeta};
use crate::object::{Object, Resource};
use crate::{Timestamp, name, schema, table};

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
    /// What the control plane observed, of a Secret that proxies get or that could serve them.
    #[serde(default, skip_serializing_if = "SecretStatus::is_empty")]
    pub status: SecretStatus,
}

/// What the control plane observed. Kubernetes has no such part; its clients leave it alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretStatus {
    /// `Accepted`: it holds a certificate with its key, or authorities. `Programmed`: every connected proxy that uses it has it
    /// as it is now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
    /// When the certificate in `tls.crt` expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expires: Option<Timestamp>,
}

impl SecretStatus {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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

impl Resource for Secret {
    const KIND: &'static Kind = &SECRET;
}

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
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: true,
    redact: None,
    schema: schema::of::<Secret>,
    columns: COLUMNS,
    cells,
    selectable: &[Selectable { path: "type", value: |object| table::text_at(object, "/type").to_owned() }],
    default: defaults::fill,
    validate: rules::find,
    warn: material::warn,
};

static COLUMNS: &[Column] =
    &[table::text("Type", "What it is for."), table::integer("Data", "How many values it has.")];

fn cells(object: &Object) -> Vec<Value> {
    let data = table::part(object, "/data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    vec![table::text_at(object, "/type").into(), data.into()]
}
