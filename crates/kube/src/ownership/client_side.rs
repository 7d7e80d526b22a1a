//! What `kubectl apply` leaves on an object when it is the client that applies: an annotation with all that it applied. One who
//! goes over to server-side apply owns that already.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/managedfields`. It is done for the manager that is called [`KUBECTL`], and no other.

use serde_json::{Map, Value};

use super::compare::Comparison;
use super::of_value::fields_of;
use super::set::FieldSet;
use super::shape::Shape;

/// kubectl, when it applies on the server.
pub(super) const KUBECTL: &str = "kubectl";

/// Where kubectl keeps what it applied.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How large all annotations may be together. What is larger is not kept.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// The fields that kubectl applied and that have been as they were applied since.
pub(super) fn applied_fields(shape: &Shape, api_version: &str, live: &Value) -> Option<FieldSet<'static>> {
    let applied: Value =
        serde_json::from_str(live.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()?).ok()?;
    if applied.get("apiVersion")? != api_version || !applied.is_object() {
        return None;
    }
    let mut fields = fields_of(shape, &applied);
    let changes = Comparison::of(shape, Some(&applied), Some(live));
    for changed in [&changes.modified, &changes.added, &changes.removed] {
        fields.subtract(changed);
    }
    Some(fields)
}

/// Keeps what kubectl left in step with what is applied now, so that one can go back.
pub(super) fn keep_in_step(object: &mut Map<String, Value>, applied: &Map<String, Value>) {
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let Some(annotations) = annotations.and_then(Value::as_object_mut) else { return };
    if annotations.get(LAST_APPLIED).and_then(Value::as_str).is_none_or(str::is_empty) {
        return;
    }
    let mut applied = applied.clone();
    let applied_annotations = applied.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    if let Some(annotations) = applied_annotations.and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
    let mut applied = Value::Object(applied);
    applied.sort_all_objects();
    annotations.insert(LAST_APPLIED.into(), format!("{applied}\n").into());
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        annotations.shift_remove(LAST_APPLIED);
    }
}
