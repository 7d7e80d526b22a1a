use std::sync::Arc;

use bytes::Bytes;

/// A resource that was created or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its name.
    pub name: Arc<str>,
    /// Its version, opaque.
    pub version: Arc<str>,
    /// The encoded message.
    pub value: Bytes,
}

/// A resource that cannot be honoured, and a fault of it. Of a resource with several there are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its name, as in [`Update`].
    pub name: Arc<str>,
    /// Path of the field at fault, as in `tls.secrets[0]`; empty when it is the whole resource.
    pub field: String,
    /// A sentence an operator can act on.
    pub message: String,
}
