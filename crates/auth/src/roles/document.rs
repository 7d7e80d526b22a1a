//! Roles and bindings, as files have them.

use backstay_resources::decode::{self, DecodeError};
use serde::Deserialize;
use serde_json::Value;

use super::rule::Rule;

const GROUP: &str = "rbac.authorization.k8s.io";
const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// Why a file of roles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large.
    #[error("{path} is larger than {limit} bytes")]
    Large {
        /// The file.
        path: std::path::PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// It is not YAML.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// One of its documents cannot be used.
    #[error("document {index}: {kind} {name:?}: {field}: {why}")]
    Refused {
        /// Which, from 1.
        index: usize,
        /// Its kind, as far as it is known.
        kind: String,
        /// Its name, as far as it is known.
        name: String,
        /// The field at fault.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

impl PolicyError {
    pub(crate) fn refused(index: usize, kind: &str, name: &str, field: &str, why: &str) -> Self {
        let [kind, name, field, why] = [kind, name, field, why].map(str::to_owned);
        Self::Refused { index, kind, name, field, why }
    }
}

/// Which kind of role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RoleKind {
    ClusterRole,
    Role,
}

/// Which kind of binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BindingKind {
    ClusterRoleBinding,
    RoleBinding,
}

/// What a role is bound to. Service accounts are users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    User,
    Group,
}

impl RoleKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClusterRole => "ClusterRole",
            Self::Role => "Role",
        }
    }
}

impl BindingKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClusterRoleBinding => "ClusterRoleBinding",
            Self::RoleBinding => "RoleBinding",
        }
    }
}

impl SubjectKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// A document, checked by itself.
#[derive(Debug)]
pub(crate) enum Document {
    Role {
        index: usize,
        kind: RoleKind,
        namespace: Option<String>,
        name: String,
        rules: Vec<Rule>,
    },
    Binding {
        index: usize,
        kind: BindingKind,
        namespace: Option<String>,
        name: String,
        role: (RoleKind, String),
        subjects: Vec<(SubjectKind, String)>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleBody {
    #[serde(default)]
    rules: Option<Vec<Rule>>,
    #[serde(default)]
    aggregation_rule: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BindingBody {
    role_ref: RoleRef,
    #[serde(default)]
    subjects: Option<Vec<Subject>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleRef {
    #[serde(default)]
    api_group: String,
    kind: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subject {
    #[serde(default)]
    api_group: String,
    kind: String,
    name: String,
    #[serde(default)]
    namespace: String,
}

/// Reads all documents of a file. A `List`, as `kubectl get -o yaml` prints it, is what it holds.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Document>, PolicyError> {
    let mut all = Vec::new();
    for (index, document) in (1..).zip(decode::documents(bytes)?) {
        if let Some(twice) = document.duplicates.first() {
            return Err(PolicyError::refused(index, "", "", "", &format!("a field is there twice: {twice}")));
        }
        match document.value {
            Value::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => {
                let Some(Value::Array(items)) = list.remove("items") else {
                    return Err(PolicyError::refused(index, "List", "", "items", "it must be a list"));
                };
                for item in items {
                    all.push(one(index, item)?);
                }
            }
            value => all.push(one(index, value)?),
        }
    }
    Ok(all)
}

fn one(index: usize, value: Value) -> Result<Document, PolicyError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(value.get("kind"));
    let metadata = value.get("metadata").cloned().unwrap_or_default();
    let (name, namespace) = (text(metadata.get("name")), text(metadata.get("namespace")));
    let refused = |field: &str, why: &str| PolicyError::refused(index, &kind, &name, field, why);
    let Value::Object(mut members) = value else { return Err(refused("", "it must be an object")) };
    if text(members.get("apiVersion")) != API_VERSION {
        return Err(refused("apiVersion", &format!("it must be {API_VERSION}")));
    }
    if name.is_empty() {
        return Err(refused("metadata.name", "it must have one"));
    }
    for known in ["apiVersion", "kind", "metadata"] {
        members.remove(known);
    }
    let body = Value::Object(members);
    let in_namespace = matches!(kind.as_str(), "Role" | "RoleBinding");
    if in_namespace && namespace.is_empty() {
        return Err(refused("metadata.namespace", "it must name one: there is none that it would go to by itself"));
    }
    let namespace = in_namespace.then_some(namespace);
    match kind.as_str() {
        "ClusterRole" | "Role" => {
            let body: RoleBody = serde_json::from_value(body).map_err(|error| refused("rules", &error.to_string()))?;
            if body.aggregation_rule.is_some() {
                let why = "it is not done: write the rules of the roles that it selects into this one";
                return Err(refused("aggregationRule", why));
            }
            let rules = body.rules.unwrap_or_default();
            for (at, rule) in rules.iter().enumerate() {
                if let Some((field, why)) = rule.fault(in_namespace) {
                    return Err(refused(&format!("rules[{at}].{field}"), why));
                }
            }
            let kind = if in_namespace { RoleKind::Role } else { RoleKind::ClusterRole };
            Ok(Document::Role { index, kind, namespace, name, rules })
        }
        "ClusterRoleBinding" | "RoleBinding" => {
            let body: BindingBody =
                serde_json::from_value(body).map_err(|error| refused("roleRef", &error.to_string()))?;
            let role = role(&body.role_ref, in_namespace).map_err(|(field, why)| refused(field, why))?;
            let mut subjects = Vec::new();
            for (at, subject) in body.subjects.unwrap_or_default().into_iter().enumerate() {
                let subject = subject.read(namespace.as_deref());
                subjects.push(subject.map_err(|(field, why)| refused(&format!("subjects[{at}].{field}"), why))?);
            }
            let kind = if in_namespace { BindingKind::RoleBinding } else { BindingKind::ClusterRoleBinding };
            Ok(Document::Binding { index, kind, namespace, name, role, subjects })
        }
        _ => Err(refused("kind", "it must be ClusterRole, Role, ClusterRoleBinding or RoleBinding")),
    }
}

fn role(of: &RoleRef, in_namespace: bool) -> Result<(RoleKind, String), (&'static str, &'static str)> {
    if of.api_group != GROUP && !of.api_group.is_empty() {
        return Err(("roleRef.apiGroup", "it must be rbac.authorization.k8s.io"));
    }
    match of.kind.as_str() {
        "ClusterRole" => Ok((RoleKind::ClusterRole, of.name.clone())),
        "Role" if in_namespace => Ok((RoleKind::Role, of.name.clone())),
        "Role" => Err(("roleRef.kind", "a ClusterRoleBinding cannot bind a Role, which belongs to a namespace")),
        _ => Err(("roleRef.kind", "it must be ClusterRole or Role")),
    }
}

impl Subject {
    fn read(self, own: Option<&str>) -> Result<(SubjectKind, String), (&'static str, &'static str)> {
        if self.name.is_empty() {
            return Err(("name", "it must not be empty"));
        }
        let of_rbac = self.api_group.is_empty() || self.api_group == GROUP;
        match self.kind.as_str() {
            "User" | "Group" if !of_rbac => Err(("apiGroup", "it must be rbac.authorization.k8s.io")),
            "User" => Ok((SubjectKind::User, self.name)),
            "Group" => Ok((SubjectKind::Group, self.name)),
            "ServiceAccount" if !self.api_group.is_empty() => Err(("apiGroup", "of a ServiceAccount it is empty")),
            "ServiceAccount" => {
                let namespace = if self.namespace.is_empty() { own.unwrap_or_default() } else { &self.namespace };
                if namespace.is_empty() {
                    return Err(("namespace", "a ServiceAccount has one"));
                }
                Ok((SubjectKind::User, format!("system:serviceaccount:{namespace}:{}", self.name)))
            }
            _ => Err(("kind", "it must be User, Group or ServiceAccount")),
        }
    }
}
