//! A bucket for each client.

mod shard;

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::bucket::nanoseconds;
use crate::{Moment, Rate};
use shard::Shard;

/// Parts of the table: more than there are threads by far, so that two of them seldom look into one.
const SHARDS: usize = 256;

/// What is counted of clients.
#[derive(Debug, Default)]
pub struct ClientCounts {
    present: AtomicU64,
    forgotten: AtomicU64,
}

impl ClientCounts {
    /// Buckets that there are.
    #[must_use]
    pub fn present(&self) -> u64 {
        self.present.load(Relaxed)
    }

    /// Buckets that had to go, though what their clients had used up still counted, because there was no place for another.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Relaxed)
    }
}

/// Buckets by limit and client, no more than a fixed number of them.
///
/// When there is no place for another client, one goes whose bucket would be full again; if there is none at hand, the one among a few
/// that was asked for longest ago. It starts with a full bucket when it comes back: with too few places a limit lets too much pass,
/// and never locks out who is new.
#[derive(Debug)]
pub struct Clients {
    shards: Box<[Mutex<Shard>]>,
    seed: u64,
    counts: Arc<ClientCounts>,
}

impl Clients {
    /// A table for `most` clients, rounded up to what its parts make of it. What is counted goes to `counts`.
    #[must_use]
    pub fn new(most: usize, counts: Arc<ClientCounts>) -> Self {
        let each = most.div_ceil(SHARDS).max(1);
        Self { shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(each))).collect(), seed: rand::random(), counts }
    }

    /// Takes a token of `client` for `limit`, of which it has as `rate` says, if there is any at `now`.
    ///
    /// Clients are told apart by 128 bits of a hash with a seed that nobody knows.
    pub fn take(&self, limit: u64, client: &[u8], rate: Rate, now: Moment) -> bool {
        let key = xxh3_128_with_seed(client, self.seed ^ limit);
        let shard = self.shards.get((key >> 64) as usize % SHARDS);
        let Some(shard) = shard else { return false };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = shard.take(key, rate, nanoseconds(now));
        if taken.added {
            self.counts.present.fetch_add(1, Relaxed);
        }
        if taken.forgotten {
            self.counts.forgotten.fetch_add(1, Relaxed);
        }
        taken.token
    }
}

#[cfg(test)]
mod tests;
