//! The metadata that all objects have.
//!
//! Source: Kubernetes, `meta/v1`.

mod managed_fields;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::managed_fields::ManagedFields;

/// A moment with the precision of a second, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// Now, without the fraction of a second.
    #[must_use]
    pub fn now() -> Self {
        Self::from_second(jiff::Timestamp::now().as_second())
    }

    /// From seconds since 1970. Out of range becomes 1970.
    #[must_use]
    pub fn from_second(second: i64) -> Self {
        Self(jiff::Timestamp::from_second(second).unwrap_or_default())
    }

    /// Now, as text to the microsecond: Kubernetes' `MicroTime`.
    #[must_use]
    pub fn micro_now() -> String {
        micro_text(jiff::Timestamp::now())
    }

    /// Seconds since 1970 and microseconds, as [`Timestamp::micro_now`] has it. `None` when out of range.
    #[must_use]
    pub fn micro(seconds: i64, micros: u32) -> Option<String> {
        let nanos = i32::try_from(micros).ok()?.checked_mul(1000)?;
        jiff::Timestamp::new(seconds, nanos).ok().map(micro_text)
    }

    /// A time of RFC 3339, as [`Timestamp::micro_now`] has it. `None` when `text` is none.
    #[must_use]
    pub fn micro_of(text: &str) -> Option<String> {
        text.parse().ok().map(micro_text)
    }
}

fn micro_text(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// Standard object metadata.
///
/// `resourceVersion` is the store's revision of the last change: it is filled in when an object is read, and is not part
/// of what is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectMeta {
    /// Unique within a namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Prefix for a name that the server completes, used when `name` is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub generate_name: String,
    /// Empty for cluster-scoped kinds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Set by the server, unique in time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Changes with every change of the object. Clients compare it for equality only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Counts the changes of what the user asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: i64,
    /// When the server created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Timestamp>,
    /// When deletion was asked for; the object goes when its last finalizer is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Timestamp>,
    /// Always 0 where set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_grace_period_seconds: Option<i64>,
    /// For selection.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Not for selection.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Who must act before the object may go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub finalizers: Vec<String>,
    /// Objects that this one belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["uid"]))]
    pub owner_references: Vec<OwnerReference>,
    /// Not used; accepted because older clients send it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub self_link: String,
    /// Who set which field, kept by the server. Last, so that what is encoded before it can be compared without it.
    #[serde(skip_serializing_if = "ManagedFields::is_empty")]
    pub managed_fields: ManagedFields,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// An object that another belongs to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct OwnerReference {
    /// Such as `core.apoxy.dev/v1alpha2`.
    pub api_version: String,
    /// Such as `Proxy`.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Uid of the owner.
    pub uid: String,
    /// Whether it is the managing controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<bool>,
    /// Whether foreground deletion of the owner waits for this object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_owner_deletion: Option<bool>,
}

/// Whether a [`Condition`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told now.
    Unknown,
}

/// One aspect of an object's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is told, such as `Programmed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The `metadata.generation` that was looked at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
    /// Why, as one CamelCase word.
    pub reason: String,
    /// Why, for a person.
    #[serde(default)]
    pub message: String,
}
