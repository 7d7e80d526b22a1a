//! The order in which JSON has the fields of a message.

use std::sync::atomic::{AtomicU16, Ordering};

/// Between two fields of a message, or before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place(usize);

impl Place {
    /// After the field of this place.
    pub(crate) fn after(field: usize) -> Self {
        Self(field + 1)
    }
}

/// Which field came after which when the message was last read. What is stored is nearly always in the order of what was stored before,
/// which is neither that of `proto/` nor the same for all kinds: whoever reads looks for one name, and searches only where another comes.
///
/// It is only ever a guess, so that those who read at the same time need not agree on it.
#[derive(Debug, Default)]
pub(crate) struct Order(Box<[AtomicU16]>);

impl Order {
    /// Of as many fields, in the order of `proto/` until something is read.
    pub(super) fn new(fields: usize) -> Self {
        Self((0..=fields).map(|field| AtomicU16::new(u16::try_from(field).unwrap_or(u16::MAX))).collect())
    }

    /// Which field may come next.
    #[inline]
    pub(crate) fn next(&self, place: Place) -> usize {
        self.0.get(place.0).map_or(usize::MAX, |next| usize::from(next.load(Ordering::Relaxed)))
    }

    /// Another came.
    pub(crate) fn learn(&self, place: Place, field: usize) {
        if let (Some(next), Ok(field)) = (self.0.get(place.0), u16::try_from(field)) {
            next.store(field, Ordering::Relaxed);
        }
    }
}
