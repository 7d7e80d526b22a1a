//! Tokens that do not count any more: a Bloom filter of what is revoked.
//!
//! It says of nothing that is revoked that it is not. Of what is not, it says so with the probability that it was made for.

use serde_json::Value;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::Claims;

/// Most bits of a filter: 32 MiB.
const MAX_BITS: u64 = 1 << 28;
/// Most hash functions of a filter.
const MAX_HASHES: u32 = 64;

/// What is wrong with a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FilterError {
    /// Its size is not one of those that are made.
    #[error("must be of 64 to {MAX_BITS} bits, a power of two")]
    Bits,
    /// The bytes are not that many bits.
    #[error("is not as long as its bits are")]
    Length,
    /// The number of hash functions is out of range.
    #[error("must have 1 to {MAX_HASHES} hash functions")]
    Hashes,
}

/// A Bloom filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    bits: Vec<u8>,
    hashes: u32,
}

impl Filter {
    /// A filter of `entries`, which says of no more than `error` of other texts that they are among them (more, if they do not fit
    /// into the largest).
    #[must_use]
    pub fn of<'e>(entries: impl ExactSizeIterator<Item = &'e str>, error: f64) -> Self {
        let error = error.clamp(1e-12, 0.5);
        // The optimum for n entries is n * -log2(error) / ln 2 bits, and -log2(error) functions.
        let functions = -error.log2();
        let wanted = (entries.len().max(1) as f64 * functions / std::f64::consts::LN_2).ceil();
        let mut size = 64_u64;
        while (size as f64) < wanted && size < MAX_BITS {
            size *= 2;
        }
        let hashes = (1..=MAX_HASHES).find(|count| f64::from(*count) >= functions.round()).unwrap_or(MAX_HASHES);
        let bytes = usize::try_from(size / 8).unwrap_or_default();
        let mut filter = Self { bits: vec![0; bytes], hashes };
        for entry in entries {
            filter.add(entry);
        }
        filter
    }

    /// A filter as it was sent.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn read(bits: u64, hashes: u32, filter: &[u8]) -> Result<Self, FilterError> {
        if !bits.is_power_of_two() || !(64..=MAX_BITS).contains(&bits) {
            return Err(FilterError::Bits);
        }
        if u64::try_from(filter.len()).ok() != Some(bits / 8) {
            return Err(FilterError::Length);
        }
        if !(1..=MAX_HASHES).contains(&hashes) {
            return Err(FilterError::Hashes);
        }
        Ok(Self { bits: filter.to_vec(), hashes })
    }

    /// Its bits, eight to a byte.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bits
    }

    /// How many hash functions it has.
    #[must_use]
    pub const fn hashes(&self) -> u32 {
        self.hashes
    }

    /// Whether `entry` is in it, or may be.
    #[must_use]
    pub fn has(&self, entry: &str) -> bool {
        self.places(entry).all(|(byte, mask)| self.bits.get(byte).is_some_and(|bits| bits & mask != 0))
    }

    /// Whether one of the claims called `names` is in it: as its name and its value, with a dash between them. Claims that are not
    /// text are not looked up.
    #[must_use]
    pub fn has_claim(&self, claims: &Claims, names: &[String]) -> bool {
        names.iter().any(|name| match claims.members().get(name) {
            Some(Value::String(value)) => self.has(&format!("{name}-{value}")),
            _ => false,
        })
    }

    fn add(&mut self, entry: &str) {
        let places: Vec<_> = self.places(entry).collect();
        for (byte, mask) in places {
            if let Some(bits) = self.bits.get_mut(byte) {
                *bits |= mask;
            }
        }
    }

    /// Kirsch and Mitzenmacher: two hashes stand for as many as are wanted.
    fn places(&self, entry: &str) -> impl Iterator<Item = (usize, u8)> + use<> {
        let hash = xxh3_128(entry.as_bytes());
        let (first, second) = ((hash >> 64) as u64, hash as u64 | 1);
        let size = self.bits.len() as u64 * 8;
        (0..u64::from(self.hashes)).map(move |index| {
            let place = first.wrapping_add(index.wrapping_mul(second)) & (size - 1);
            (usize::try_from(place / 8).unwrap_or(usize::MAX), 1 << (place % 8))
        })
    }
}

#[cfg(test)]
mod tests;
