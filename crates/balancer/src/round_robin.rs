//! Round robin.

use std::cell::Cell;

#[cfg(test)]
mod tests;

/// Endpoints in turn, each as often as the others. Envoy's `ROUND_ROBIN` for equal weights.
#[derive(Debug)]
pub struct RoundRobin {
    next: Cell<usize>,
}

impl RoundRobin {
    /// Begins at a random place: were it the first, a backend that is used by many threads, each for a few requests, would
    /// send most of them to its first endpoints.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(rand::random_range(0..usize::MAX))
    }

    /// Begins at turn `start`.
    #[must_use]
    pub fn starting_at(start: usize) -> Self {
        Self { next: Cell::new(start) }
    }

    /// Takes a turn. Add 1 to try the endpoint after it.
    pub fn turn(&self) -> usize {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        turn
    }
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new()
    }
}

/// The endpoint whose turn it is; none of none. The list may change between turns.
#[must_use]
pub fn at<T>(endpoints: &[T], turn: usize) -> Option<&T> {
    endpoints.get(turn.checked_rem(endpoints.len())?)
}
