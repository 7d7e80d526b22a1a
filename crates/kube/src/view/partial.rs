//! Metadata alone.

use serde::Deserialize;
use serde_json::value::RawValue;

use backstay_resources::Object;

#[derive(Deserialize)]
struct Encoded<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// Writes an encoded object as a `PartialObjectMetadata`. The metadata is copied as it is stored.
pub(super) fn write(encoded: &[u8], revision: u64, out: &mut Vec<u8>) {
    let metadata = serde_json::from_slice::<Encoded<'_>>(encoded).map_or("{}", |object| object.metadata.get());
    let mut text = Vec::with_capacity(metadata.len() + 80);
    text.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
    text.extend_from_slice(metadata.as_bytes());
    text.push(b'}');
    Object::with_resource_version(&text, revision, out);
}
