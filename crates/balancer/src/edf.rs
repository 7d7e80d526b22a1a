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
pub(crate) struct Schedule(BinaryHeap<Turn>);

#[derive(Debug)]
struct Turn {
    number: u64,
    weight: u64,
    entry: u32,
}

impl Schedule {
    /// Entries 0.. with their weights; one that weighs 0 has no turn. `place` says where in the period to begin, all of
    /// `u32` once around: 0 is its beginning.
    pub(crate) fn new(weights: impl Iterator<Item = u64>, place: u32) -> Self {
        let turn = |(entry, weight): (u32, u64)| {
            let past = (u128::from(weight) * u128::from(place)) >> u32::BITS;
            Turn { number: past as u64 + 1, weight, entry }
        };
        Self((0..).zip(weights).filter(|(_, weight)| *weight > 0).map(turn).collect())
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self) -> Option<u32> {
        let mut turn = self.0.peek_mut()?;
        turn.number += 1;
        Some(turn.entry)
    }
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) =
            (u128::from(self.number) * u128::from(other.weight), u128::from(other.number) * u128::from(self.weight));
        // The heap gives the greatest first.
        others.cmp(&own).then_with(|| other.weight.cmp(&self.weight)).then_with(|| other.entry.cmp(&self.entry))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Turn {}

/// Turns by weights that are asked for at each pick, as Envoy's queue gives them: for slow start and least request.
#[derive(Debug)]
pub(crate) struct Queue {
    heap: BinaryHeap<Waiting>,
    count: u64,
}

#[derive(Debug)]
struct Waiting {
    due: f64,
    count: u64,
    entry: u32,
}

impl Queue {
    /// Entries 0.. with their weights of now, all above 0; `place` in 0 to 1 says how far each is into the time to its
    /// first turn.
    pub(crate) fn new(weights: impl Iterator<Item = f64>, place: f64) -> Self {
        let waiting = |(entry, weight): (u32, f64)| {
            let past = (place * weight).floor();
            Waiting { due: (past + 1.0) / weight, count: u64::from(entry), entry }
        };
        let heap: BinaryHeap<_> = (0..).zip(weights).map(waiting).collect();
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

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.total_cmp(&self.due).then_with(|| other.count.cmp(&self.count))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
