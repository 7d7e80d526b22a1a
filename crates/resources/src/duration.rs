//! Go duration strings: `5s`, `1m30s`, `100ms`.
//!
//! Source: Go, `time.ParseDuration` and `Duration.String`; Kubernetes writes `metav1.Duration` this way.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A span of time that is written as a Go duration string. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GoDuration(pub Duration);

/// Why a string is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not of the form.
    #[error("must be a duration such as \"5s\", \"1m30s\" or \"100ms\"")]
    Malformed,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// More than Go can hold, about 292 years.
    #[error("is too long")]
    OutOfRange,
}

/// Nanoseconds of each unit Go knows.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for GoDuration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(magnitude) => (true, magnitude),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        match nanos_of(magnitude)? {
            0 => Ok(Self::default()),
            _ if negative => Err(ParseDurationError::Negative),
            nanos => Ok(Self(Duration::from_nanos(nanos))),
        }
    }
}

/// Nanoseconds of a duration without a sign.
fn nanos_of(text: &str) -> Result<u64, ParseDurationError> {
    let mut rest = text;
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(ParseDurationError::Malformed);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after_whole) = split_digits(rest);
        let (fraction, after) = match after_whole.strip_prefix('.') {
            Some(after_point) => split_digits(after_point),
            None => ("", after_whole),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(ParseDurationError::Malformed);
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
        let scale = scale.ok_or(ParseDurationError::Malformed)?;
        let whole: u64 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| ParseDurationError::OutOfRange)? };
        let part = whole.checked_mul(scale).and_then(|part| part.checked_add(fraction_of(fraction, scale)));
        total = part.and_then(|part| total.checked_add(part)).ok_or(ParseDurationError::OutOfRange)?;
        rest = next;
    }
    if total > i64::MAX as u64 {
        return Err(ParseDurationError::OutOfRange);
    }
    Ok(total)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn fraction_of(digits: &str, scale: u64) -> u64 {
    let mut nanos = 0;
    let mut unit = scale;
    for digit in digits.bytes() {
        unit /= 10;
        nanos += u64::from(digit - b'0') * unit;
    }
    nanos
}

impl fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return formatter.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (scale, unit) = match nanos {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "\u{b5}s"),
                _ => (1_000_000, "ms"),
            };
            return write!(formatter, "{}{unit}", decimal(nanos, scale));
        }
        let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
        if hours > 0 {
            write!(formatter, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(formatter, "{minutes}m")?;
        }
        write!(formatter, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000))
    }
}

/// `nanos / scale` with as many decimals as it needs.
fn decimal(nanos: u128, scale: u128) -> String {
    let (whole, mut rest) = (nanos / scale, nanos % scale);
    let mut text = whole.to_string();
    let mut unit = scale;
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        unit /= 10;
        text.push(char::from(b'0' + u8::try_from(rest / unit).unwrap_or_default()));
        rest %= unit;
    }
    text
}

impl Serialize for GoDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "go-duration"})
    }
}
