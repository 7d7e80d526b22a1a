//! Where a later version takes the place of an earlier one.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// Holds the version in force of a table, an address set or revocations. Rules hold the slot: a new version does not touch them.
#[derive(Debug)]
pub struct Slot<T>(ArcSwap<T>);

impl<T> Slot<T> {
    /// A slot with its first version.
    #[must_use]
    pub fn new(value: T) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(value)))
    }

    /// The version in force.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }

    /// Puts a version in force.
    pub fn store(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}
