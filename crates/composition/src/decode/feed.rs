//! x
use crate::{document::Object, error::DecodeError, limits::Limits};
pub(super) fn decode(_body: &[u8], _limits: &Limits) -> Result<Object, DecodeError> {
    Err(DecodeError::Empty)
}
