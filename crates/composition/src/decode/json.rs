//! JSON.

use bytes::Bytes;

use super::Decoded;
use crate::document::{Reading, read};
use crate::error::DecodeError;
use crate::limits::Limits;

pub(super) fn decode(body: Bytes, reading: &Reading<'_>, limits: &Limits) -> Result<Decoded, DecodeError> {
    read(body, reading, limits).map(Decoded::Read)
}
