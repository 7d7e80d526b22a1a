//! The hash of a request, for the policies that place requests by it.

use xxhash_rust::xxh64::xxh64;

#[cfg(test)]
mod tests;

/// Hash of what a hash policy found in a request: xxHash64 with seed 0, as Envoy's.
#[must_use]
pub fn hash_of(value: &[u8]) -> u64 {
    xxh64(value, 0)
}

/// Hash of all values of a header, whatever their order: sorted, each hashed with the hash of those before it as its seed,
/// as Envoy does. None of no values.
#[must_use]
pub fn hash_of_all(values: &mut [&[u8]]) -> Option<u64> {
    values.sort_unstable();
    values.iter().fold(None, |hash, value| Some(xxh64(value, hash.unwrap_or(0))))
}

/// Whether later hash policies count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterPolicy {
    /// Later policies count.
    GoOn,
    /// Later policies do not count if anything was found up to this one, which is terminal.
    Stop,
}

/// Hash of a request, from the hashes of all policies that apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestHash {
    hash: Option<u64>,
    done: bool,
}

impl RequestHash {
    /// Adds what one policy found, in the order of the policies.
    pub fn add(&mut self, found: Option<u64>, after: AfterPolicy) {
        if self.done {
            return;
        }
        if let Some(found) = found {
            // Rotated, so that the same value found twice does not cancel itself out.
            self.hash = Some(self.hash.unwrap_or(0).rotate_left(1) ^ found);
        }
        self.done = after == AfterPolicy::Stop && self.hash.is_some();
    }

    /// Whether later policies count no more.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// The hash; none if no policy found anything.
    #[must_use]
    pub const fn get(self) -> Option<u64> {
        self.hash
    }
}
