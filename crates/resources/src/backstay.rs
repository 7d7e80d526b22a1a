//! `backstay.dev/v1alpha1`: what the other groups have no words for.

mod policy;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Scope};
use crate::meta::{Condition, ObjectMeta};
use crate::object::Resource;
use crate::{GoDuration, schema};

/// How a Backend is connected to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendPolicy {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: BackendPolicySpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: BackendPolicyStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendPolicySpec {
    /// The Backends it applies to, at least one. Where several policies name one Backend, the oldest applies.
    #[serde(default)]
    pub target_refs: Vec<PolicyTargetRef>,
    /// TLS to the endpoints; for the protocols `tls` and `h2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<BackendTls>,
    /// How long things may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<BackendTimeouts>,
}

/// A Backend that a policy applies to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTargetRef {
    /// Only `core.apoxy.dev`, the default.
    #[serde(default)]
    pub group: String,
    /// Only `Backend`, the default.
    #[serde(default)]
    pub kind: String,
    /// Name of the Backend.
    #[serde(default)]
    pub name: String,
}

/// TLS to the endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendTls {
    /// Server name to send. Default: the endpoint's fqdn; with dynamicProxy, the request's authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Name that the certificate must carry. Default: the name that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
    /// A Secret whose `ca.crt` holds the authorities to trust. Default: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate_ref: Option<SecretRef>,
}

/// A Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// Name of the Secret.
    #[serde(default)]
    pub name: String,
    /// Namespace of the Secret. Default `default`.
    #[serde(default)]
    pub namespace: String,
}

/// How long things may take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendTimeouts {
    /// To establish a connection, TLS included. Default 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<GoDuration>,
    /// How long an unused connection is kept for reuse. Default 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<GoDuration>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendPolicyStatus {
    /// `Accepted`: it applies to all its targets; false with the reason `Conflicted` where an older policy does.
    /// `ResolvedRefs`: everything it refers to exists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl Resource for BackendPolicy {
    const KIND: &'static Kind = &BACKEND_POLICY;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

/// `backendpolicies.backstay.dev`.
pub static BACKEND_POLICY: Kind = Kind {
    group: "backstay.dev",
    version: "v1alpha1",
    kind: "BackendPolicy",
    plural: "backendpolicies",
    singular: "backendpolicy",
    scope: Scope::Cluster,
    short_names: &["bp"],
    categories: &["all", "backstay"],
    has_status: true,
    schema: schema::of::<BackendPolicy>,
    columns: policy::COLUMNS,
    cells: policy::cells,
    selectable: &[],
    default: policy::fill,
    validate: policy::find,
};
