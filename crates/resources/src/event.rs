//! Events: what happened to objects, as two API groups have it. The objects are the same; `v1` is how they are kept.
//!
//! Source: Kubernetes, `core/v1` and `events.k8s.io/v1`.

mod kinds;
mod rules;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::kinds::{EVENT, EVENT_OF_GROUP, to_stored, to_told};
use crate::kind::Kind;
use crate::meta::{ObjectMeta, Timestamp};
use crate::object::Resource;

/// The `type` of an event that tells of what goes as it should.
pub const NORMAL: &str = "Normal";
/// The `type` of an event that tells of what does not.
pub const WARNING: &str = "Warning";

/// The longest message of an event, in bytes. Source: Kubernetes, `NoteLengthLimit`.
pub const MAX_NOTE: usize = 1024;

/// Something that happened to an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Standard object metadata. The namespace is that of the object which it is about, or `default` where that has none.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The object that it is about.
    pub involved_object: ObjectReference,
    /// Why, as one CamelCase word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What happened, for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Who tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<EventSource>,
    /// When it happened first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_timestamp: Option<Timestamp>,
    /// When it happened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_timestamp: Option<Timestamp>,
    /// How often it has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// When it happened first, to the microsecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub event_time: Option<String>,
    /// How often it has happened, where it happens again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<EventSeries>,
    /// What was done, or failed to be done, to the object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Another object that has to do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<ObjectReference>,
    /// The controller that tells it, such as `kubernetes.io/kubelet`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_component: String,
    /// Which of its instances, such as `kubelet-xyzf`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

/// The same in the words of `events.k8s.io`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventOfGroup {
    /// Standard object metadata. The namespace is that of the object which it is about, or `default` where that has none.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// When it happened first, to the microsecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub event_time: Option<String>,
    /// How often it has happened, where it happens again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<EventSeries>,
    /// The controller that tells it, such as `kubernetes.io/kubelet`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_controller: String,
    /// Which of its instances, such as `kubelet-xyzf`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
    /// What was done, or failed to be done, to the object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Why, as one CamelCase word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The object that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regarding: Option<ObjectReference>,
    /// Another object that has to do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<ObjectReference>,
    /// What happened, for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `source` of `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_source: Option<EventSource>,
    /// `firstTimestamp` of `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_first_timestamp: Option<Timestamp>,
    /// `lastTimestamp` of `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_last_timestamp: Option<Timestamp>,
    /// `count` of `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_count: Option<i32>,
}

/// Which object is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct ObjectReference {
    /// Such as `Backend`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Empty for an object that is in none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its uid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Such as `core.apoxy.dev/v1alpha2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The version of it that was looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// A part of it, such as `spec.containers{name}`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_path: String,
}

/// Who tells an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSource {
    /// Which program.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// On which machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// An event that happens again and again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSeries {
    /// How often it has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
    /// When it happened last, to the microsecond.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_observed_time: Option<String>,
}

impl Resource for Event {
    const KIND: &'static Kind = &EVENT;
}

impl Resource for EventOfGroup {
    const KIND: &'static Kind = &EVENT_OF_GROUP;
}
