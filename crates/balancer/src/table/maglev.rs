use xxhash_rust::xxh64::xxh64;

/// A table whose places endpoints take in turn, each in the order of its own permutation (Eisenbud et al., "Maglev", 3.4).
#[derive(Debug)]
pub(super) struct MaglevTable {
    places: Vec<u32>,
}

/// The order in which one endpoint asks for places, and how far it has come.
struct Permutation<'a> {
    key: &'a str,
    index: u32,
    share: f64,
    /// Share times rounds from which on it is its turn again.
    due: f64,
    next: u64,
    skip: u64,
}

const EMPTY: u32 = u32::MAX;

impl MaglevTable {
    /// Fills `size` places, a prime, in proportion to shares. Endpoints beyond `size` have no place.
    pub(super) fn new<'a>(shares: Vec<(u32, f64)>, key: impl Fn(u32) -> &'a str, size: u32) -> Self {
        let size = u64::from(size);
        let permutation = |(index, share): (u32, f64)| {
            let key = key(index);
            let skip = xxh64(key.as_bytes(), 1) % (size - 1).max(1) + 1;
            Permutation { key, index, share, due: 0.0, next: xxh64(key.as_bytes(), 0) % size, skip }
        };
        let mut permutations: Vec<_> = shares.into_iter().map(permutation).collect();
        if permutations.is_empty() {
            return Self { places: Vec::new() };
        }
        // The order of the configuration must not move requests from one endpoint to another.
        permutations.sort_unstable_by(|a, b| a.key.cmp(b.key).then(a.index.cmp(&b.index)));
        let greatest = permutations.iter().map(|permutation| permutation.share).fold(0.0, f64::max);
        let mut places = vec![EMPTY; size as usize];
        let mut free = places.len();
        let mut round = 0.0;
        while free > 0 {
            round += 1.0;
            for permutation in &mut permutations {
                // The one with the greatest share has a turn in each round, one with a third of it in each third.
                if round * permutation.share < permutation.due {
                    continue;
                }
                if free == 0 {
                    break;
                }
                permutation.due += greatest;
                // The size is prime: the permutation comes to every place.
                while places[permutation.next as usize] != EMPTY {
                    permutation.next += permutation.skip;
                    if permutation.next >= size {
                        permutation.next -= size;
                    }
                }
                places[permutation.next as usize] = permutation.index;
                free -= 1;
            }
        }
        Self { places }
    }

    pub(super) fn pick(&self, hash: u64, attempt: usize) -> Option<u32> {
        // Another attempt changes most bits, so that those who leave one endpoint do not all go to the same other one.
        let hash = if attempt > 0 { hash ^ (attempt as u64).wrapping_neg() } else { hash };
        let at = hash.checked_rem(self.places.len() as u64)?;
        self.places.get(at as usize).copied()
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }
}
