//! Tokens.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use crate::{Moment, Rate};

/// What a bucket holds.
///
/// What has gathered is only put in when the bucket is empty, and all that fits at once; what does not fit is lost. So a bucket that
/// nobody asked for long enough lets twice its capacity and one more pass at once. That is how KrakenD's token bucket counts, whose
/// configurations are written with its figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    pub(crate) left: u64,
    /// Until when what has gathered was put in, in nanoseconds.
    pub(crate) since: u64,
}

impl Tokens {
    /// A full bucket.
    pub(crate) fn full(rate: Rate, now: u64) -> Self {
        Self { left: rate.capacity(), since: now }
    }

    /// Takes one, if there is any.
    pub(crate) fn take(&mut self, rate: Rate, now: u64) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        let gathered = now.saturating_sub(self.since) / rate.interval();
        if gathered == 0 {
            return false;
        }
        self.since = self.since.saturating_add(gathered.saturating_mul(rate.interval()));
        // The one that is taken is among those that have gathered, and beside those that fill the bucket.
        self.left = if gathered > rate.capacity() { rate.capacity() } else { gathered - 1 };
        true
    }
}

/// One bucket, for any number of threads.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    left: AtomicU64,
    /// Until when what has gathered was put in, in nanoseconds. Held by who puts in.
    since: Mutex<u64>,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate, now: Moment) -> Self {
        Self { rate, left: AtomicU64::new(rate.capacity()), since: Mutex::new(nanoseconds(now)) }
    }

    /// Takes a token, if there is any at `now`.
    pub fn take(&self, now: Moment) -> bool {
        if self.take_left() {
            return true;
        }
        // Who finds the bucket empty while another puts in waits for that, which takes a few instructions.
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.take_left() {
            return true;
        }
        let mut tokens = Tokens { left: 0, since: *since };
        let taken = tokens.take(self.rate, nanoseconds(now));
        if taken {
            *since = tokens.since;
            self.left.store(tokens.left, Relaxed);
        }
        taken
    }

    fn take_left(&self) -> bool {
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// `moment` in nanoseconds: as many as there are in 584 years.
pub(crate) fn nanoseconds(moment: Moment) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
