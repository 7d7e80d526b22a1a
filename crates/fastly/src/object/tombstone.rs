use backstay_resources::{ObjectMeta, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is left of a service that was deleted, so that clients which still ask for it hear what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FastlyTombstone {
    /// Standard object metadata. The name is the service's identifier.
    pub metadata: ObjectMeta,
    /// What is stored.
    pub spec: TombstoneSpec,
}

/// What is stored of a deleted service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TombstoneSpec {
    /// What people called it.
    pub name: String,
    /// Whose it was.
    pub customer_id: String,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}
