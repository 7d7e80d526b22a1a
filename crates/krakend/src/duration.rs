//! Durations as Go writes them.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    /// Not a number and a unit, or more than Go counts to, which is 292 years.
    #[error("invalid duration: a number with a unit is wanted, such as 300ms, 5s or 1h30m")]
    Invalid,
    /// Only a number.
    #[error("missing unit in duration: ns, us, ms, s, m or h")]
    NoUnit,
    /// A unit that there is not.
    #[error("unknown unit in duration: there are ns, us, ms, s, m and h")]
    Unit,
    /// Less than nothing.
    #[error("a duration must not be negative: what it bounds would be over before it begins")]
    Negative,
}

/// Reads a duration as Go's `time.ParseDuration` does: numbers with fractions, each with a unit, one after another; `0` needs
/// none.
///
/// # Errors
/// When it is not such a text, or negative.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Invalid);
    }
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let (part, after) = part(rest)?;
        nanoseconds += part;
        if nanoseconds > i64::MAX as u128 {
            return Err(DurationError::Invalid);
        }
        rest = after;
    }
    match u64::try_from(nanoseconds) {
        Ok(0) => Ok(Duration::ZERO),
        Ok(_) if is_negative => Err(DurationError::Negative),
        Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
        Err(_) => Err(DurationError::Invalid),
    }
}

/// A number and its unit, and what follows.
fn part(text: &str) -> Result<(u128, &str), DurationError> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let whole = text.bytes().take_while(is_digit).count();
    let (whole, rest) = text.split_at(whole);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(is_digit).count()),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Invalid);
    }
    let unit = rest.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
    let (unit, rest) = rest.split_at_checked(unit).ok_or(DurationError::Invalid)?;
    let scale: u128 = match unit {
        "" => return Err(DurationError::NoUnit),
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(DurationError::Unit),
    };
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| DurationError::Invalid)? };
    // What lies beyond a nanosecond of an hour does not count.
    let digits = fraction.get(..fraction.len().min(16)).unwrap_or_default();
    let mut divisor: u128 = 1;
    let mut part: u128 = 0;
    for digit in digits.bytes() {
        divisor *= 10;
        part = part * 10 + u128::from(digit - b'0');
    }
    Ok((u128::from(whole) * scale + part * scale / divisor, rest))
}

/// A duration as Go prints it without what is nothing, such as `2s` or `1.5s`: for messages.
pub(crate) fn print(duration: Duration) -> String {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    match (seconds, nanoseconds) {
        (seconds, 0) => format!("{seconds}s"),
        (0, nanoseconds) if nanoseconds % 1_000_000 == 0 => format!("{}ms", nanoseconds / 1_000_000),
        (0, nanoseconds) if nanoseconds % 1_000 == 0 => format!("{}µs", nanoseconds / 1_000),
        (0, nanoseconds) => format!("{nanoseconds}ns"),
        _ => format!("{}s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests;
