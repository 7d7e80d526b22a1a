//! Earliest deadline first: turns in proportion to weights, spread as evenly as they can be.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[cfg(test)]
mod tests;

/// Turns by weights that do not change, in exact arithmetic: of each run of as many picks as the weights sum up to, an entry
/// gets exactly its weight, wherever the run begins.
///
/// The n-th turn of an entry with weight w is due at n/w; ties go to the smaller weight, then to the earlier entry, which is
/// the order in which Envoy's queue, where an entry waits behind those that were put back before it, settles.
#[derive(Debug)]
pub(crate) struct Schedule(BinaryHeap<Deadline>);

/// When the next turn of an entry is due: `number` / `weight`.
#[derive(Debug)]
struct Deadline {
    number: u64,
    weight: u64,
    entry: u32,
}

impl Schedule {
    /// Entries 0.. with their weights; one that weighs 0 has no turn. `place` says where in the period to begin, all of
    /// `u32` once around: 0 is its beginning.
    pub(crate) fn new(weights: impl Iterator<Item = u64>, place: u32) -> Self {
        let deadline = |(entry, weight): (u32, u64)| {
            let past = (u128::from(weight) * u128::from(place)) >> u32::BITS;
            Deadline { number: past as u64 + 1, weight, entry }
        };
        Self((0..).zip(weights).filter(|(_, weight)| *weight > 0).map(deadline).collect())
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self) -> Option<u32> {
        let mut next = self.0.peek_mut()?;
        next.number += 1;
        Some(next.entry)
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) =
            (u128::from(self.number) * u128::from(other.weight), u128::from(other.number) * u128::from(self.weight));
        // The heap gives the greatest first.
        others.cmp(&own).then_with(|| other.weight.cmp(&self.weight)).then_with(|| other.entry.cmp(&self.entry))
    }
}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Deadline {}

/// Turns by weights that are asked for at each pick, as Envoy's queue gives them: for slow start and least request.
#[derive(Debug)]
pub(crate) struct Queue {
    heap: BinaryHeap<QueuedEntry>,
    count: u64,
}

#[derive(Debug)]
struct QueuedEntry {
    due: f64,
    count: u64,
    entry: u32,
}

impl Queue {
    /// Entries 0.. with their weights of now, all above 0; `place` in 0 to 1 says how far each is into the time to its
    /// first turn.
    pub(crate) fn new(weights: impl Iterator<Item = f64>, place: f64) -> Self {
        let queued = |(entry, weight): (u32, f64)| {
            let past = (place * weight).floor();
            QueuedEntry { due: (past + 1.0) / weight, count: u64::from(entry), entry }
        };
        let heap: BinaryHeap<_> = (0..).zip(weights).map(queued).collect();
        let count = heap.len() as u64;
        Self { heap, count }
    }

    /// Whose turn it is; `weight`, above 0, decides when its next one is.
    pub(crate) fn next(&mut self, weight: impl FnOnce(u32) -> f64) -> Option<u32> {
        let mut head = self.heap.peek_mut()?;
        let entry = head.entry;
        head.due += 1.0 / weight(entry);
        head.count = self.count;
        self.count += 1;
        Some(entry)
    }
}

impl Ord for QueuedEntry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.total_cmp(&self.due).then_with(|| other.count.cmp(&self.count))
    }
}

impl PartialOrd for QueuedEntry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for QueuedEntry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for QueuedEntry {}
