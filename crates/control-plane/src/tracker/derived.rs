//! Types that are made of another, for proxies of another kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::ObjectKey;
use backstay_xds::server::StreamId;

use super::{Stream, Tracker};

impl Tracker {
    /// From now on proxies of a fleet may be sent what is made of the resources of a type: one for one, and named like them. Nothing that all
    /// have acknowledged is taken back for it.
    pub(crate) fn derived(&mut self, fleet: &Arc<str>, of: &Arc<str>, derived: &Arc<str>) {
        let state = self.fleets.entry(fleet.clone()).or_default();
        let changed = state.feed(of).changed.clone();
        state.feed(derived).changed = changed;
        state.derived.insert(derived.clone(), of.clone());
        // What nobody was there for waits for these as well.
        let waiting: BTreeSet<ObjectKey> = state.feed(of).waiting.values().flatten().cloned().collect();
        waiting.iter().for_each(|key| self.settle(key));
    }

    /// Nobody is sent what was made of another type any more.
    pub(crate) fn not_derived(&mut self, fleet: &Arc<str>, derived: &Arc<str>) {
        let Some(state) = self.fleets.get_mut(fleet) else { return };
        state.derived.remove(derived);
        let waiting = state.types.remove(derived).map(|feed| feed.waiting).unwrap_or_default();
        for key in waiting.into_values().flatten() {
            self.settle(&key);
        }
    }

    /// The streams of a fleet that ask for a type.
    pub(crate) fn streams_of(&self, fleet: &str, type_url: &str) -> Vec<StreamId> {
        let asks = |stream: &Stream| *stream.fleet == *fleet && stream.types.contains_key(type_url);
        self.streams.iter().filter(|(_, stream)| asks(stream)).map(|(id, _)| *id).collect()
    }
}
