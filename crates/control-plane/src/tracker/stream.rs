//! One discovery stream: a connected proxy.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_resources::Timestamp;
use backstay_xds::server::StreamId;

use super::Tracker;

/// Why a proxy refused a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Version refused.
    pub(crate) version: Arc<str>,
    /// Field at fault; empty when it is the whole.
    pub(crate) field: String,
    /// The proxy's own words.
    pub(crate) message: String,
}

impl Refusal {
    /// Field and words as one sentence.
    pub(crate) fn sentence(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }
}

/// A connected proxy.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    /// Which fleet it serves.
    pub(crate) fleet: Arc<str>,
    /// What it calls itself.
    pub(crate) node_id: String,
    /// Where it connected from.
    pub(crate) address: String,
    /// Its version.
    pub(crate) version: String,
    /// When it connected.
    pub(crate) connected: Timestamp,
    /// The revision that it has acknowledged in full.
    pub(crate) synchronised: u64,
    /// Resources sent and not answered.
    pub(crate) pending: usize,
    /// What it refuses, by resource.
    pub(crate) refused: BTreeMap<Arc<str>, Refusal>,
}

impl Tracker {
    /// A proxy connected.
    pub(crate) fn opened(&mut self, id: StreamId, stream: Stream) {
        let fleet = self.fleets.entry(stream.fleet.clone()).or_default();
        *fleet.synchronised.entry(stream.synchronised).or_default() += 1;
        self.dirty_fleets.insert(stream.fleet.clone());
        self.streams.insert(id, stream);
    }

    /// A proxy was sent resources.
    pub(crate) fn sent(&mut self, id: StreamId, count: usize) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.pending += count;
        }
    }

    /// A proxy holds these resources as sent, and no longer holds the removed.
    pub(crate) fn accepted<'a>(&mut self, id: StreamId, names: impl Iterator<Item = &'a Arc<str>>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let fleet = stream.fleet.clone();
        let mut cleared = Vec::new();
        for name in names {
            stream.pending = stream.pending.saturating_sub(1);
            if stream.refused.remove(name).is_some() {
                cleared.push((fleet.clone(), name.clone()));
            }
        }
        if !cleared.is_empty() {
            self.dirty_fleets.insert(fleet);
        }
        cleared.iter().for_each(|program| self.set_refused(program, id, false));
    }

    /// A proxy refused a resource.
    pub(crate) fn refused(&mut self, id: StreamId, name: Arc<str>, refusal: Refusal) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.pending = stream.pending.saturating_sub(1);
        let program = (stream.fleet.clone(), name.clone());
        stream.refused.insert(name, refusal);
        self.dirty_fleets.insert(program.0.clone());
        self.set_refused(&program, id, true);
    }

    /// A proxy has answered everything up to `revision`.
    pub(crate) fn synchronised(&mut self, id: StreamId, revision: u64) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if revision <= stream.synchronised {
            return;
        }
        let before = std::mem::replace(&mut stream.synchronised, revision);
        let fleet = stream.fleet.clone();
        if let Some(state) = self.fleets.get_mut(&fleet) {
            leave(&mut state.synchronised, before);
            *state.synchronised.entry(revision).or_default() += 1;
        }
        self.advance(&fleet);
    }

    /// A proxy went away.
    pub(crate) fn closed(&mut self, id: StreamId) {
        let Some(stream) = self.streams.remove(&id) else { return };
        if let Some(state) = self.fleets.get_mut(&stream.fleet) {
            leave(&mut state.synchronised, stream.synchronised);
        }
        for name in stream.refused.into_keys() {
            self.set_refused(&(stream.fleet.clone(), name), id, false);
        }
        self.advance(&stream.fleet);
        self.dirty_fleets.insert(stream.fleet);
    }
}

fn leave(counts: &mut BTreeMap<u64, usize>, revision: u64) {
    if let Some(count) = counts.get_mut(&revision) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&revision);
        }
    }
}
