use std::collections::{BTreeMap, BTreeSet};

use backstay_resources::{Condition, ObjectMeta, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service: what has versions, of which one at most is served.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FastlyService {
    /// Standard object metadata. The name is the service's identifier.
    pub metadata: ObjectMeta,
    /// What is stored.
    pub spec: ServiceSpec,
    /// What the control plane observed.
    pub status: ServiceStatus,
}

/// What is stored of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServiceSpec {
    /// What people call it, unique for a customer.
    pub name: String,
    /// What its logic is written in.
    #[serde(rename = "type")]
    pub kind: ServiceType,
    /// A comment.
    pub comment: String,
    /// Whose it is.
    pub customer_id: String,
    /// `NAMESPACE/NAME` of the Gateway whose listeners serve it. None: the one that the control plane is told to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Number of the version that is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    /// Number of the version that is marked as staged. It is not served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged: Option<u32>,
    /// The highest number that a version ever had.
    pub last_version: u32,
    /// What dynamic snippets say, by their identifiers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dynamic_snippets: BTreeMap<String, DynamicSnippet>,
    /// Names of backends that get nothing new by the pool and by directors, whichever version is active.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub drained_backends: BTreeSet<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// What the logic of a service is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceType {
    /// Conditions and VCL.
    #[default]
    Vcl,
    /// A program, which is not run: only the service's first backend or its pool serves.
    Wasm,
}

/// What a dynamic snippet says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DynamicSnippet {
    /// Its text.
    pub content: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceStatus {
    /// `Accepted`: what is active can be served. `Programmed`: every connected proxy that serves it has acknowledged it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
}
