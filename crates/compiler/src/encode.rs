//! Resources as proxies receive them.

use backstay_proto::config;
use bytes::Bytes;
use prost::Message;

/// Encodes a resource, once: everyone who sends it shares the bytes.
pub(crate) fn encode(kind: config::resource::Kind) -> Bytes {
    config::Resource { kind: Some(kind) }.encode_to_vec().into()
}
