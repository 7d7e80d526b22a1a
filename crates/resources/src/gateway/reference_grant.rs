//! ReferenceGrant: what objects of other namespaces may refer to in its own.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::ObjectMeta;
use crate::object::{Object, Resource};
use crate::{name, schema, table};

/// Lets objects of other namespaces refer to objects of its own. Withdrawn, what it let in is refused at once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceGrant {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: ReferenceGrantSpec,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceGrantSpec {
    /// Who may refer: any of these. 1 to 16.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub from: Vec<ReferenceGrantFrom>,
    /// What may be referred to: any of these. 1 to 16.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub to: Vec<ReferenceGrantTo>,
}

/// Objects that may refer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceGrantFrom {
    /// Their group, such as `gateway.networking.k8s.io`.
    #[serde(default)]
    pub group: String,
    /// Their kind, such as `Gateway`.
    #[serde(default)]
    pub kind: String,
    /// Where they are.
    #[serde(default)]
    pub namespace: String,
}

/// Objects that may be referred to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceGrantTo {
    /// Their group. Empty for those of Kubernetes' core.
    #[serde(default)]
    pub group: String,
    /// Their kind, such as `Secret`.
    #[serde(default)]
    pub kind: String,
    /// The only one. All of the namespace where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl ReferenceGrantSpec {
    /// Whether objects of a group and kind in `namespace` may refer to the one called `name`, of the kind `to` in the group.
    #[must_use]
    pub fn lets(&self, from: (&str, &str), namespace: &str, to: (&str, &str), name: &str) -> bool {
        let comes = self.from.iter().any(|it| (&*it.group, &*it.kind) == from && it.namespace == namespace);
        let named = |it: &ReferenceGrantTo| it.name.as_deref().is_none_or(|only| only.is_empty() || only == name);
        comes && self.to.iter().any(|it| (&*it.group, &*it.kind) == to && named(it))
    }
}

impl Resource for ReferenceGrant {
    const KIND: &'static Kind = &REFERENCE_GRANT;
}

/// `referencegrants.gateway.networking.k8s.io`.
pub static REFERENCE_GRANT: Kind = Kind {
    group: "gateway.networking.k8s.io",
    version: "v1",
    kind: "ReferenceGrant",
    plural: "referencegrants",
    singular: "referencegrant",
    scope: Scope::Namespaced,
    short_names: &["refgrant"],
    categories: &["gateway-api", "backstay"],
    has_status: false,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<ReferenceGrant>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: |_| (),
    validate: find,
    warn: |_| Vec::new(),
};

static COLUMNS: &[Column] =
    &[table::text("From", "Who may refer: kinds and their namespaces."), table::text("To", "What may be referred to.")];

fn cells(object: &Object) -> Vec<Value> {
    let spec = object.typed::<ReferenceGrant>().map(|grant| grant.spec).unwrap_or_default();
    let from: Vec<_> = spec.from.iter().map(|it| format!("{}/{}", it.namespace, it.kind)).collect();
    let to = spec.to.iter().map(|it| match &it.name {
        Some(name) => format!("{}/{name}", it.kind),
        None => it.kind.clone(),
    });
    vec![from.join(",").into(), to.collect::<Vec<_>>().join(",").into()]
}

/// How many entries a list may have.
const MOST: usize = 16;

fn find(new: &Object, _old: Option<&Object>) -> Vec<FieldError> {
    let grant: ReferenceGrant = match typed(new) {
        Ok(grant) => grant,
        Err(errors) => return errors,
    };
    let spec = FieldPath::new("spec");
    let mut findings = Findings::default();
    let (from, to) = (spec.child("from"), spec.child("to"));
    for (path, count) in [(&from, grant.spec.from.len()), (&to, grant.spec.to.len())] {
        if count == 0 {
            findings.required(path, "at least one entry is wanted");
        }
        findings.most(path, count, MOST);
    }
    for (index, entry) in grant.spec.from.iter().enumerate() {
        let path = from.index(index);
        findings.text(&path.child("kind"), &entry.kind, 63);
        findings.text(&path.child("namespace"), &entry.namespace, 63);
    }
    for (index, entry) in grant.spec.to.iter().enumerate() {
        findings.text(&to.index(index).child("kind"), &entry.kind, 63);
    }
    findings.finish()
}
