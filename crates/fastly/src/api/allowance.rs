//! How much a token may write in an hour.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backstay_auth::User;
use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(test)]
mod tests;

/// What writes are counted for.
const WINDOW: Duration = Duration::from_secs(3600);
const REMAINING: HeaderName = HeaderName::from_static("fastly-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("fastly-ratelimit-reset");

/// Counts writes. An hour begins with the first write of a token after its last hour.
#[derive(Debug)]
pub(crate) struct Writes {
    /// None: nothing is counted.
    limit: Option<u32>,
    /// By customer and token. Only tokens that are known get here, so that there are no more than of these.
    hours: Mutex<HashMap<(String, String), Hour>>,
}

#[derive(Debug, Clone, Copy)]
struct Hour {
    end: SystemTime,
    writes: u32,
}

/// What is left of an hour's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Whether this write was one too many.
    pub(crate) is_exceeded: bool,
    /// Writes that may follow within the hour.
    pub(crate) remaining: u32,
    /// When the next hour can begin, in seconds since 1970.
    pub(crate) reset: u64,
}

impl Writes {
    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self { limit, hours: Mutex::default() }
    }

    /// Counts a write at `now`. None where there is no limit.
    pub(crate) fn take(&self, identity: &User, now: SystemTime) -> Option<Allowance> {
        let limit = self.limit?;
        let mut hours = self.hours.lock().unwrap_or_else(PoisonError::into_inner);
        let token = (identity.customer.clone(), identity.id.clone());
        if !hours.contains_key(&token) {
            // Tokens come and go with their file.
            hours.retain(|_, hour| hour.end > now);
        }
        let hour = hours.entry(token).or_insert(Hour { end: now + WINDOW, writes: 0 });
        // The clock may have been set back: no hour is longer than one.
        if hour.end <= now || hour.end > now + WINDOW {
            *hour = Hour { end: now + WINDOW, writes: 0 };
        }
        let is_exceeded = hour.writes >= limit;
        if !is_exceeded {
            hour.writes += 1;
        }
        let reset = hour.end.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Not before the hour is over.
        let reset = reset.as_secs() + u64::from(reset.subsec_nanos() > 0);
        Some(Allowance { is_exceeded, remaining: limit - hour.writes, reset })
    }
}

impl Allowance {
    /// As clients read it.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset));
    }
}
