//! Where routes of other dialects may attach, and how many routes are attached where.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use backstay_resources::Kind;

use crate::change::ObjectKey;
use crate::output::FleetResource;

/// A listener of a Gateway, as what attaches to it sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The listener's name.
    pub listener: String,
    /// The hosts that it serves, canonical. None: all.
    pub hostname: Option<String>,
    /// Kinds that may attach to it, of those that other front ends have.
    pub kinds: Vec<&'static Kind>,
    /// Its resources; none when it is not served.
    pub resources: Vec<FleetResource>,
}

/// Openings of Gateways, and what is attached to them.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    openings: HashMap<ObjectKey, Vec<Opening>>,
    /// The listeners that each object is attached to.
    attached: HashMap<ObjectKey, BTreeSet<(ObjectKey, String)>>,
    /// How many objects are attached to each listener of each Gateway.
    counts: HashMap<ObjectKey, BTreeMap<String, i32>>,
    /// Gateways with a count that may differ.
    recounted: BTreeSet<ObjectKey>,
}

impl Attachments {
    /// Returns whether that is something else than before.
    pub(super) fn open(&mut self, gateway: &ObjectKey, openings: Vec<Opening>) -> bool {
        if self.openings(gateway) == openings {
            return false;
        }
        match openings.is_empty() {
            true => self.openings.remove(gateway),
            false => self.openings.insert(gateway.clone(), openings),
        };
        true
    }

    pub(super) fn openings(&self, gateway: &ObjectKey) -> &[Opening] {
        self.openings.get(gateway).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn attach(&mut self, owner: &ObjectKey, listeners: BTreeSet<(ObjectKey, String)>) {
        let before = match listeners.is_empty() {
            true => self.attached.remove(owner),
            false => self.attached.insert(owner.clone(), listeners.clone()),
        };
        let before = before.unwrap_or_default();
        for (gateway, listener) in before.difference(&listeners) {
            self.count(gateway, listener, -1);
        }
        for (gateway, listener) in listeners.difference(&before) {
            self.count(gateway, listener, 1);
        }
    }

    fn count(&mut self, gateway: &ObjectKey, listener: &str, more: i32) {
        let counts = self.counts.entry(gateway.clone()).or_default();
        let count = counts.entry(listener.to_owned()).or_default();
        *count += more;
        if *count == 0 {
            counts.remove(listener);
        }
        if counts.is_empty() {
            self.counts.remove(gateway);
        }
        self.recounted.insert(gateway.clone());
    }

    pub(super) fn attached(&self, gateway: &ObjectKey, listener: &str) -> i32 {
        self.counts.get(gateway).and_then(|counts| counts.get(listener)).copied().unwrap_or_default()
    }

    pub(super) fn take_recounted(&mut self) -> BTreeSet<ObjectKey> {
        std::mem::take(&mut self.recounted)
    }
}
