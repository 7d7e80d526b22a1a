#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::ObjectMeta;
use crate::object::{Object, Resource};
use crate::{body, name, schema, table};

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

impl Resource for Namespace {
    const KIND: &'static Kind = &NAMESPACE;
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
    check_name: name::label,
    verbs: Verb::SINGLE,
    sensitive: false,
    redact: None,
    schema: schema::of::<Namespace>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: fill,
    validate: |_, _| Vec::new(),
    warn: |_| Vec::new(),
};

/// The label by which selectors of namespaces can name one. Kubernetes sets it on each.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

static COLUMNS: &[Column] = &[table::text("Status", "Active, or Terminating while it is being deleted.")];

fn cells(object: &Object) -> Vec<Value> {
    vec![table::text_at(object, "/status/phase").into()]
}

/// Labels it with its name, and says in which phase it is.
fn fill(object: &mut Object) {
    let metadata = &mut object.metadata;
    if !metadata.name.is_empty() {
        metadata.labels.insert(NAME_LABEL.to_owned(), metadata.name.clone());
    }
    let phase = if metadata.deletion_timestamp.is_some() { "Terminating" } else { "Active" };
    if let Some(status) = body::make(&mut object.body, "status") {
        status.insert("phase".to_owned(), phase.into());
    }
}
