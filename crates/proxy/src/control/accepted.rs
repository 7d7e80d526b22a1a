use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_model::Faults;
use backstay_xds::client::Update;
use bytes::Bytes;

/// A resource in force: as it arrived, and what it was built into.
pub(super) struct Accepted<T> {
    pub(super) version: Arc<str>,
    pub(super) value: Bytes,
    pub(super) item: T,
}

impl<T: fmt::Debug> fmt::Debug for Accepted<T> {
    /// Without the value: it may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("version", &self.version).field("item", &self.item).finish_non_exhaustive()
    }
}

/// All resources in force of one kind, by name.
pub(super) type AcceptedMap<T> = BTreeMap<Arc<str>, Accepted<T>>;

/// A resource that was refused, and why.
#[derive(Clone, Debug)]
pub(crate) struct Rejected {
    pub(crate) version: Arc<str>,
    pub(crate) faults: Faults,
}

/// A resource in force, as it arrived.
pub(crate) struct ResourceView<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) version: &'a Arc<str>,
    pub(crate) value: &'a Bytes,
}

pub(super) fn views<T>(all: &AcceptedMap<T>) -> impl Iterator<Item = ResourceView<'_>> {
    all.iter().map(|(name, accepted)| ResourceView { name, version: &accepted.version, value: &accepted.value })
}

impl ResourceView<'_> {
    pub(crate) fn to_update(&self) -> Update {
        Update { name: Arc::clone(self.name), version: Arc::clone(self.version), value: self.value.clone() }
    }
}
