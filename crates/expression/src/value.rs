//! A text that has been computed.

use std::ops::Deref;

use bytes::Bytes;

/// A text that has been computed: part of the request or of the expression where it can be, else a copy.
#[derive(Clone, Debug)]
pub enum Value<'r> {
    /// Part of the request or of the expression.
    Borrowed(&'r [u8]),
    /// Shared with a table, or made.
    Owned(Bytes),
}

impl Value<'_> {
    /// To keep.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Deref for Value<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes.into())
    }
}
