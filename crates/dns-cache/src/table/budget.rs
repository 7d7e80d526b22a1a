//! Who counts against which limit. Hosts that have no address have one of their own, and an order in which they leave.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a host is counted.
#[derive(Debug)]
pub(super) enum Place {
    /// Among those that have an address or may soon.
    Proper,
    /// Among those that have none, with its turn to leave.
    Negative(u64),
}

impl Place {
    pub(super) fn is_negative(&self) -> bool {
        matches!(self, Self::Negative(_))
    }
}

#[derive(Default)]
pub(super) struct Budget {
    proper: usize,
    negative: BTreeMap<u64, Arc<str>>,
    turn: u64,
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

    pub(super) fn enter(&mut self) -> Place {
        self.proper += 1;
        Place::Proper
    }

    pub(super) fn demote(&mut self, place: &mut Place, key: &Arc<str>) {
        self.leave(place);
        self.turn += 1;
        self.negative.insert(self.turn, Arc::clone(key));
        *place = Place::Negative(self.turn);
    }

    pub(super) fn restore(&mut self, place: &mut Place) {
        self.leave(place);
        *place = self.enter();
    }

    pub(super) fn leave(&mut self, place: &Place) {
        match place {
            Place::Proper => self.proper = self.proper.saturating_sub(1),
            Place::Negative(turn) => {
                self.negative.remove(turn);
            }
        }
    }
}
