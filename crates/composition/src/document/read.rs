//! Documents that were received, as objects.

use std::sync::Arc;

use bytes::Bytes;

use super::scan::{Reading, Scanned, scan};
use super::slice::Slice;
use super::value::{Object, Value};
use crate::error::DecodeError;
use crate::limits::Limits;

/// What was read: an object, or nothing where the document is `null`.
pub(crate) type Top = Option<Object>;

/// Reads the first value of `source`; what follows it is not looked at.
pub(crate) fn read(source: Bytes, reading: &Reading<'_>, limits: &Limits) -> Result<Top, DecodeError> {
    Ok(match scan(source, reading, limits)? {
        Scanned::Nothing => None,
        Scanned::Empty => Some(Object::empty()),
        Scanned::Object(tape) => Some(Object::from_slice(Slice::new(Arc::new(tape), 0))),
        Scanned::Wrapped(name, tape) => {
            Some(Object::single(name.as_bytes(), Value::Slice(Slice::new(Arc::new(tape), 0))))
        }
    })
}

#[cfg(test)]
mod tests;
