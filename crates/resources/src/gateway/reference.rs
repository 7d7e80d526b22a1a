//! How filters name other objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{FieldPath, Findings};
use crate::name;

/// Longest name of an object, in bytes.
pub(super) const MAX_NAME: usize = 253;

/// Another object, as routes name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRef {
    /// API group. For a Backend, `core.apoxy.dev` or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `Backend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name of the object.
    #[serde(default)]
    pub name: String,
    /// Not used for a Backend, which has no namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// 1 to 65535. Required for a Backend, unless it has dynamicProxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// An object of the route's or Gateway's own namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalObjectRef {
    /// API group.
    #[serde(default)]
    pub group: String,
    /// Kind of object.
    #[serde(default)]
    pub kind: String,
    /// Name of the object.
    #[serde(default)]
    pub name: String,
}

/// Checks a reference to an object of the own namespace.
pub(super) fn check_local(given: &LocalObjectRef, path: &FieldPath, findings: &mut Findings) {
    findings.text(&path.child("kind"), &given.kind, name::MAX_LABEL);
    findings.text(&path.child("name"), &given.name, MAX_NAME);
}
