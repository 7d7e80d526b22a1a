//! `coordination.k8s.io/v1`: leases, by which the replicas of a controller choose a leader.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::{Column, Kind, Scope, Verb};
use crate::meta::{ObjectMeta, Timestamp};
use crate::object::{Object, Resource};
use crate::{body, name, schema, table};

/// Who holds something, and for how long.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Who holds it.
    #[serde(default)]
    pub spec: LeaseSpec,
}

/// Who holds a lease. The control plane keeps it and acts on none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaseSpec {
    /// The holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_identity: Option<String>,
    /// How long others wait after `renewTime` before they take it, in seconds. At least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_duration_seconds: Option<i32>,
    /// When the holder took it, to the microsecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub acquire_time: Option<String>,
    /// When the holder last said that it still has it, to the microsecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub renew_time: Option<String>,
    /// How often it has changed hands. At least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_transitions: Option<i32>,
    /// How a leader is chosen among candidates. Kept as it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Whom the holder should give it to; only with `strategy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_holder: Option<String>,
}

impl Resource for Lease {
    const KIND: &'static Kind = &LEASE;
}

/// `leases.coordination.k8s.io`.
pub static LEASE: Kind = Kind {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
    plural: "leases",
    singular: "lease",
    scope: Scope::Namespaced,
    short_names: &[],
    categories: &[],
    has_status: false,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<Lease>,
    columns: COLUMNS,
    cells,
    selectable: &[],
    default: fill,
    validate: find,
    warn: |_| Vec::new(),
};

static COLUMNS: &[Column] = &[table::text("Holder", "Who holds it.")];

fn cells(object: &Object) -> Vec<Value> {
    vec![table::text_at(object, "/spec/holderIdentity").into()]
}

/// Times have six digits of a second, as Kubernetes writes them.
fn fill(object: &mut Object) {
    let Some(spec) = body::object(&mut object.body, "spec") else { return };
    for field in ["acquireTime", "renewTime"] {
        if let Some(time) = spec.get(field).and_then(Value::as_str).and_then(Timestamp::micro_of) {
            spec.insert(field.to_owned(), time.into());
        }
    }
}

/// Source: Kubernetes, `ValidateLeaseSpec`.
fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let mut findings = Findings::default();
    let path = FieldPath::new("spec");
    let number = |field: &str| table::part(new, &format!("/spec/{field}")).and_then(Value::as_i64);
    if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        findings.invalid(&path.child("leaseDurationSeconds"), &seconds.to_string(), "must be greater than 0");
    }
    if let Some(count) = number("leaseTransitions").filter(|count| *count < 0) {
        findings.invalid(&path.child("leaseTransitions"), &count.to_string(), "must be greater than or equal to 0");
    }
    for field in ["acquireTime", "renewTime"] {
        let text = table::text_at(new, &format!("/spec/{field}"));
        if !text.is_empty() && Timestamp::micro_of(text).is_none() {
            findings.invalid(&path.child(field), text, "must be a time of RFC 3339");
        }
    }
    if table::part(new, "/spec/holderIdentity").and_then(Value::as_str) == Some("") {
        findings.required(&path.child("holderIdentity"), "must not be empty");
    }
    findings.finish()
}
