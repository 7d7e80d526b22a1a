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

/// Up to 16 hexadecimal digits, as a number.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number: u64, digit| {
        let value = (*digit as char).to_digit(16)?;
        Some((number << 4) | u64::from(value))
    })
}
