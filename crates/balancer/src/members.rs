//! Which of several backends a request goes to, where each is a member of a pool with a weight. Decisions only: which members
//! are healthy is for the caller to say.

use xxhash_rust::xxh64::xxh64;

#[cfg(test)]
mod tests;

/// A member that may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its position among all members.
    pub index: usize,
    /// Its share. 0 takes nothing.
    pub weight: u32,
    /// What it is known by, whatever its position: the [`hash_of`](crate::hash_of) its name.
    pub identity: u64,
}

/// A candidate by its share of the weights of all. `below` is asked for a number below their sum, evenly distributed, unless there
/// is nothing to choose.
pub fn by_weight(candidates: impl Iterator<Item = Candidate> + Clone, below: impl FnOnce(u64) -> u64) -> Option<usize> {
    let total: u64 = candidates.clone().map(|candidate| u64::from(candidate.weight)).sum();
    if total == 0 {
        return None;
    }
    let mut rest = below(total);
    for candidate in candidates {
        match rest.checked_sub(candidate.weight.into()) {
            Some(less) => rest = less,
            None => return Some(candidate.index),
        }
    }
    None
}

/// The candidate that `key`, a hash, belongs to: the same as long as the candidates are. Keys are shared out by weight. When a
/// candidate goes, only its keys move; when one comes, only the keys that it gets (rendezvous hashing, weighted).
pub fn by_hash(candidates: impl Iterator<Item = Candidate>, key: u64) -> Option<usize> {
    let weighed = candidates.filter(|candidate| candidate.weight > 0).map(|candidate| {
        let drawn = xxh64(&candidate.identity.to_le_bytes(), key);
        // Within (0, 1): the 53 bits that a float can tell apart, between two of them.
        let uniform = ((drawn >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        (candidate.index, f64::from(candidate.weight) / -uniform.ln())
    });
    weighed.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
}

/// Whether `healthy`, of a weight of `all` together, is at least `percent` of it.
#[must_use]
pub fn is_quorum(healthy: u64, all: u64, percent: u8) -> bool {
    u128::from(healthy) * 100 >= u128::from(all) * u128::from(percent)
}
