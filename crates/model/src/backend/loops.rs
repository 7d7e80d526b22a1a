//! How often a request may come through a dynamic backend.

use std::num::NonZeroU32;

use http::HeaderValue;
use thiserror::Error;

/// By which a dynamic backend knows requests that have come through it before (RFC 8586).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopGuard {
    /// A token, which no other backend has.
    id: HeaderValue,
    /// How often the same request may come through. Beyond, it goes in a circle.
    pub max_passes: NonZeroU32,
}

/// An id that is no token (RFC 9110, 5.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a token: letters, digits and any of !#$%&'*+-.^_`|~")]
pub struct InvalidLoopId;

impl LoopGuard {
    /// How often a request may come through where nothing says otherwise: enough for a chain of proxies that share their
    /// backends, as of an edge, a region and an egress.
    pub const MAX_PASSES: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

    /// A guard of the backend that is called `id`.
    ///
    /// # Errors
    /// When `id` is no token.
    pub fn new(id: &str, max_passes: NonZeroU32) -> Result<Self, InvalidLoopId> {
        if id.is_empty() || !id.bytes().all(is_token) {
            return Err(InvalidLoopId);
        }
        Ok(Self { id: HeaderValue::from_str(id).map_err(|_| InvalidLoopId)?, max_passes })
    }

    /// The token.
    #[must_use]
    pub fn id(&self) -> &HeaderValue {
        &self.id
    }
}

/// Whether `byte` may be in a token.
#[must_use]
pub const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
