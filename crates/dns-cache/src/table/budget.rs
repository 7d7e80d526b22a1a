//! Who counts against which limit. Hosts that have no address have one of their own, and an order in which they leave.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Among which hosts one is counted.
#[derive(Debug)]
pub(super) enum HostClass {
    /// Among those that have an address or may soon.
    Proper,
    /// Among those that have none, with its number in the order in which they leave.
    Negative(u64),
}

impl HostClass {
    pub(super) fn is_negative(&self) -> bool {
        matches!(self, Self::Negative(_))
    }
}

#[derive(Default)]
pub(super) struct Budget {
    proper: usize,
    negative: BTreeMap<u64, Arc<str>>,
    last_number: u64,
}

impl Budget {
    pub(super) fn proper(&self) -> usize {
        self.proper
    }

    pub(super) fn negative(&self) -> usize {
        self.negative.len()
    }

    pub(super) fn oldest_negative(&self) -> Option<Arc<str>> {
        self.negative.first_key_value().map(|(_, key)| Arc::clone(key))
    }

    pub(super) fn enter(&mut self) -> HostClass {
        self.proper += 1;
        HostClass::Proper
    }

    /// Counts a host that was among the others with those that have no address, as the last to leave.
    pub(super) fn demote(&mut self, class: &mut HostClass, key: &Arc<str>) {
        self.leave(class);
        self.last_number += 1;
        self.negative.insert(self.last_number, Arc::clone(key));
        *class = HostClass::Negative(self.last_number);
    }

    pub(super) fn restore(&mut self, class: &mut HostClass) {
        self.leave(class);
        *class = self.enter();
    }

    pub(super) fn leave(&mut self, class: &HostClass) {
        match class {
            HostClass::Proper => self.proper = self.proper.saturating_sub(1),
            HostClass::Negative(number) => {
                self.negative.remove(number);
            }
        }
    }
}
