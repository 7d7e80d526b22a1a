//! The hosts of a call, in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::CallTarget;

/// The longest turn. Weights that would make it longer are scaled down, to 1 at least.
const LONGEST: u64 = 4096;

/// The hosts of a call, which are asked in turn: each as often as its weight says, and as evenly as that can be. Which is next is counted
/// over all threads.
#[derive(Debug)]
pub struct CallTargets<B = Arc<str>> {
    targets: Box<[CallTarget<B>]>,
    /// One turn: positions of targets.
    turn: Box<[u16]>,
    next: AtomicUsize,
}

impl<B> CallTargets<B> {
    /// Targets with their weights.
    pub fn new(targets: Vec<CallTarget<B>>) -> Self {
        let turn = turn(&targets.iter().map(|target| target.weight).collect::<Vec<_>>());
        Self { targets: targets.into(), turn, next: AtomicUsize::new(0) }
    }

    /// The next target, and its position; `None` if there is none with a weight.
    pub fn next(&self) -> Option<(usize, &CallTarget<B>)> {
        let at = match self.turn.len() {
            0 => return None,
            1 => 0,
            turns => self.next.fetch_add(1, Relaxed) % turns,
        };
        let position = usize::from(*self.turn.get(at)?);
        Some((position, self.targets.get(position)?))
    }

    /// All targets, as given.
    pub fn all(&self) -> &[CallTarget<B>] {
        &self.targets
    }

    pub(super) fn map<C>(&self, map: impl Fn(&CallTarget<B>) -> CallTarget<C>) -> CallTargets<C> {
        CallTargets {
            targets: self.targets.iter().map(map).collect(),
            turn: self.turn.clone(),
            next: AtomicUsize::new(self.next.load(Relaxed)),
        }
    }
}

impl<B: Clone> Clone for CallTargets<B> {
    fn clone(&self) -> Self {
        self.map(CallTarget::clone)
    }
}

/// Positions in an order in which each comes as often as its weight says, and the same ones as far from each other as can be.
fn turn(weights: &[u32]) -> Box<[u16]> {
    let divisor = weights.iter().fold(0, |divisor, weight| greatest_common_divisor(divisor, u64::from(*weight))).max(1);
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight) / divisor).sum();
    let scaled = |weight: &u32| match u64::from(*weight) / divisor {
        0 => 0,
        share if sum <= LONGEST => share,
        share => (share * LONGEST / sum).max(1),
    };
    let shares: Vec<u64> = weights.iter().map(scaled).collect();
    let total: u64 = shares.iter().sum();
    let mut due: Vec<i128> = vec![0; shares.len()];
    let step = |_| {
        due.iter_mut().zip(&shares).for_each(|(due, share)| *due += i128::from(*share));
        // Of those that are due, the first.
        let positions = due.iter_mut().enumerate().filter(|(at, _)| shares.get(*at).is_some_and(|share| *share > 0));
        let (at, most) = positions.rev().max_by_key(|(_, due)| **due)?;
        *most -= i128::from(total);
        u16::try_from(at).ok()
    };
    (0..total).filter_map(step).collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
