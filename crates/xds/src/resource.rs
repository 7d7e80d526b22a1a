use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

/// One named, versioned, already encoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    name: Arc<str>,
    version: Arc<str>,
    value: Bytes,
}

impl Resource {
    /// A resource whose version is the XXH3-128 of `value`, in 32 hexadecimal digits: equal on every replica and after
    /// every restart, as long as the encoding of `value` is deterministic. That is what makes a reconnect cost nothing.
    pub fn new(name: impl Into<Arc<str>>, value: Bytes) -> Self {
        let version = format!("{:032x}", xxh3_128(&value)).into();
        Self { name: name.into(), version, value }
    }

    /// The name, unique within its type. Opaque to the protocol.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The version. Opaque: only equality means anything.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The encoded message, without the `Any` around it.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// About how many bytes the resource takes in a response, its framing included.
    pub(crate) fn encoded_len(&self, type_url: &str) -> usize {
        // Six length-delimited fields, each with a tag and a length of at most five bytes.
        self.name.len() + self.version.len() + self.value.len() + type_url.len() + 6 * 6
    }
}

/// One step from a snapshot to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceChange {
    /// Creates or replaces the resource of that name.
    Put(Resource),
    /// Deletes the resource of that name. Nothing happens if there is none.
    Remove(Arc<str>),
}
