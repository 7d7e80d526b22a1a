//! What the proxies of each fleet hold.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A fleet's resources by name.
pub(crate) type Changes = BTreeMap<Arc<str>, Option<Bytes>>;

/// What the proxies of each fleet hold, and what is about to change. Holds keys, so it is not printed.
#[derive(Default)]
pub(crate) struct Fleets {
    held: HashMap<Arc<str>, HashMap<Arc<str>, Bytes>>,
    pending: BTreeMap<Arc<str>, Changes>,
}

impl fmt::Debug for Fleets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fleets")
    }
}

impl Fleets {
    /// The fleet shall hold this. The last word before [`Fleets::take`] counts.
    pub(crate) fn put(&mut self, fleet: &Arc<str>, name: &Arc<str>, encoded: Bytes) {
        self.pending.entry(fleet.clone()).or_default().insert(name.clone(), Some(encoded));
    }

    /// The fleet shall not hold this.
    pub(crate) fn remove(&mut self, fleet: &Arc<str>, name: &Arc<str>) {
        self.pending.entry(fleet.clone()).or_default().insert(name.clone(), None);
    }

    /// Takes the changes that are real.
    pub(crate) fn take(&mut self) -> BTreeMap<Arc<str>, Changes> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|fleet, changes| {
            let held = self.held.entry(fleet.clone()).or_default();
            changes.retain(|name, encoded| match encoded {
                Some(encoded) if held.get(name) == Some(encoded) => false,
                Some(encoded) => {
                    held.insert(name.clone(), encoded.clone());
                    true
                }
                None => held.remove(name).is_some(),
            });
            if held.is_empty() {
                self.held.remove(fleet);
            }
            !changes.is_empty()
        });
        pending
    }
}
