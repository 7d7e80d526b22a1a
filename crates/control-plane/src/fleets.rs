//! The snapshot of each fleet, and who may subscribe to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_model::FleetName;
use backstay_proto::discovery::Node;
use backstay_xds::{ResourceChange, Snapshot};
use tokio::sync::watch;

/// The fleet that a node joins.
pub(crate) fn fleet_of(node: &Node) -> &str {
    if node.cluster.is_empty() { FleetName::DEFAULT } else { &node.cluster }
}

/// The snapshot of each fleet. A fleet exists when a Proxy object names it, or something was compiled for it.
#[derive(Debug, Default)]
pub(crate) struct Fleets {
    by_name: Mutex<HashMap<Arc<str>, watch::Sender<Snapshot>>>,
}

impl Fleets {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Sender<Snapshot>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that a fleet exists.
    pub(crate) fn declare(&self, name: &str) {
        self.lock().entry(name.into()).or_insert_with(|| watch::Sender::new(Snapshot::empty()));
    }

    /// Forgets a fleet: its streams end, and a proxy that comes back is told that there is no such fleet.
    pub(crate) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Ends every stream.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    /// The changing snapshot of a fleet.
    pub(crate) fn subscribe(&self, name: &str) -> Option<watch::Receiver<Snapshot>> {
        self.lock().get(name).map(watch::Sender::subscribe)
    }

    /// Brings a fleet to `revision`.
    pub(crate) fn publish(&self, name: &str, revision: u64, changes: Vec<ResourceChange>) {
        let mut fleets = self.lock();
        let sender = fleets.entry(name.into()).or_insert_with(|| watch::Sender::new(Snapshot::empty()));
        let next = sender.borrow().apply(revision, backstay_proto::RESOURCE_TYPE_URL, changes);
        sender.send_replace(next);
    }

    /// Every fleet with its snapshot, by name.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Snapshot)> {
        let mut all: Vec<_> =
            self.lock().iter().map(|(name, sender)| (name.clone(), sender.borrow().clone())).collect();
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all
    }
}
