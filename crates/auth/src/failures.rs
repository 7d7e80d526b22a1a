//! Addresses whose credentials were not taken, and that must wait before others of them are looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an address is remembered after its last failure.
const MEMORY: Duration = Duration::from_secs(60);
/// Addresses that are remembered at most; of more, those that failed least lately are forgotten.
const ADDRESSES: usize = 10_000;

/// Settings of [`Failures`].
#[derive(Debug, Clone, Copy)]
pub struct FailureLimits {
    /// Credentials of an address that are refused within a minute before it must wait. Default 10.
    pub free: usize,
    /// How long it must wait after each one from then on. Default 1 s.
    pub wait: Duration,
}

impl Default for FailureLimits {
    fn default() -> Self {
        Self { free: 10, wait: Duration::from_secs(1) }
    }
}

/// Counts refused credentials by address.
#[derive(Debug)]
pub struct Failures {
    limits: FailureLimits,
    known: Mutex<HashMap<IpAddr, Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    count: usize,
    last: Instant,
}

impl Failures {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(limits: FailureLimits) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// How much longer an address must wait, if it must.
    #[must_use]
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry { count, last } = *known.get(&key(address))?;
        let left = (last + self.limits.wait).saturating_duration_since(now);
        (count >= self.limits.free && !left.is_zero()).then_some(left)
    }

    /// A credential of this address was not taken.
    pub fn add(&self, address: IpAddr, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, entry| now.saturating_duration_since(entry.last) < MEMORY);
            if known.len() >= ADDRESSES
                && let Some(oldest) = known.iter().min_by_key(|(_, entry)| entry.last).map(|(address, _)| *address)
            {
                known.remove(&oldest);
            }
        }
        let entry = known.entry(key(address)).or_insert(Entry { count: 0, last: now });
        if now.saturating_duration_since(entry.last) >= MEMORY {
            entry.count = 0;
        }
        (entry.count, entry.last) = (entry.count.saturating_add(1), now);
    }
}

/// Whoever has one address of IPv6 has all 2^64 of its network.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
