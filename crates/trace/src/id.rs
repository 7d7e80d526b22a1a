//! Identifiers.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// Which trace: 128 bits, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(NonZeroU128);

/// Which span of a trace: 64 bits, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(NonZeroU64);

impl TraceId {
    /// Of two numbers by chance; the lower decides on sampling. Where both are zero it is another.
    #[must_use]
    pub fn new(upper: u64, lower: u64) -> Self {
        Self(NonZeroU128::new((u128::from(upper) << 64) | u128::from(lower)).unwrap_or(NonZeroU128::MIN))
    }

    /// Reads 32 hexadecimal digits, or 16, which are the lower half.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        let value = match digits.len() {
            32 => (u128::from(hex(digits.get(..16)?)?) << 64) | u128::from(hex(digits.get(16..)?)?),
            16 => u128::from(hex(digits)?),
            _ => return None,
        };
        NonZeroU128::new(value).map(Self)
    }

    /// Its bytes, as OTLP has them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }

    /// Its lower half, which is as if by chance.
    #[must_use]
    pub const fn lower(self) -> u64 {
        self.0.get() as u64
    }
}

impl SpanId {
    /// Of a number by chance. Where that is zero it is another.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// Reads 16 hexadecimal digits.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        if digits.len() != 16 {
            return None;
        }
        NonZeroU64::new(hex(digits)?).map(Self)
    }

    /// Its bytes, as OTLP has them.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// 16 hexadecimal digits, as a number.
fn hex(digits: &[u8]) -> Option<u64> {
    let (upper, lower) = digits.split_first_chunk::<8>()?;
    Some(u64::from(eight(*upper)?) << 32 | u64::from(eight(lower.try_into().ok()?)?))
}

/// 8 hexadecimal digits, as a number, all of them at once: most requests that say something of a trace are asked, and not sampled.
fn eight(digits: [u8; 8]) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_be_bytes(digits);
    // A letter has this bit, a digit has not; letters are taken in lower case.
    let letters = digits >> 6 & EACH;
    let digits = digits | letters << 5;
    let values = (digits & (0x0f * EACH)) + letters * 9;
    // What is written for these values: it is the same, or there was something else. No sum reaches the next byte.
    let above_nine = (values + 0x76 * EACH) >> 7 & EACH;
    let written = values + 0x30 * EACH + above_nine * 0x27;
    if written != digits || values & (0xf0 * EACH) != 0 {
        return None;
    }
    // Pairs, and pairs of these, are moved together.
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()
}

#[cfg(test)]
mod tests;
