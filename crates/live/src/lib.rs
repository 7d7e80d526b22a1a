//! What is looked at while it happens: which requests, what of them is kept back, and how figures of several proxies add up. Pure.
//!
//! # Layout
//!
//! - [`filter`]: which requests are looked at, read from what was asked and matched in the threads that serve them.
//! - [`redact`]: what nobody who looks is told.
//! - [`buckets`]: how long things took, so that the figures of several threads and proxies add up.
//! - [`table`]: figures of an interval, added up.

pub mod buckets;
pub mod filter;
pub mod redact;
pub mod table;

pub use self::buckets::Buckets;
pub use self::filter::{Filter, FilterError, Seen};
pub use self::table::{Counts, Tables};

/// Requests told in a second where nobody says how many.
pub const USUAL_LIMIT: u32 = 100;
/// The most that may be asked for in a second.
pub const MAX_LIMIT: u32 = 10_000;
/// From one table to the next where nobody says, in milliseconds.
pub const USUAL_INTERVAL: u32 = 1000;
/// What may be asked for from one table to the next, in milliseconds.
pub const INTERVALS: std::ops::RangeInclusive<u32> = 200..=60_000;

/// How many requests a second are told, of what was asked.
///
/// # Errors
/// When that is more than [`MAX_LIMIT`].
pub fn limit(asked: u32) -> Result<u32, FilterError> {
    match asked {
        0 => Ok(USUAL_LIMIT),
        1..=MAX_LIMIT => Ok(asked),
        _ => Err(FilterError { field: "limit", rule: "must be 1 to 10000 requests a second" }),
    }
}

/// How long an interval is, in milliseconds, of what was asked.
///
/// # Errors
/// When it is out of [`INTERVALS`].
pub fn interval(asked: u32) -> Result<u32, FilterError> {
    match asked {
        0 => Ok(USUAL_INTERVAL),
        _ if INTERVALS.contains(&asked) => Ok(asked),
        _ => Err(FilterError { field: "interval", rule: "must be 200ms to 60s" }),
    }
}
