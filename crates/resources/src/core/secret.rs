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
use crate::meta::ObjectMeta;
use crate::object::{Object, Resource};
use crate::{name, schema, table};

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
    has_status: false,
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
