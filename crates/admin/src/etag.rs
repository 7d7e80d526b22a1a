//! The etag of a resource: its version.
//!
//! Source: Google's API improvement proposal 154.

use backstay_kube::Failure;
use serde_json::{Map, Value};

/// The version that an etag means; `None` if it is empty. `field` is where it was said.
pub(crate) fn parse(field: &str, etag: &str) -> Result<Option<u64>, Failure> {
    if etag.is_empty() {
        return Ok(None);
    }
    etag.parse().map(Some).map_err(|_| Failure::bad_field(field, "is none that was given out"))
}

/// Says in an object which version it must have.
pub(crate) fn put(object: &mut Map<String, Value>, version: Option<u64>) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let (Some(metadata), Some(version)) = (metadata, version) {
        metadata.insert("resourceVersion".into(), version.to_string().into());
    }
}
