//! Which control planes have failed, as far as that still says something.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use tonic::transport::Uri;

/// One place where a control plane may be: an address of one that was named. A name that has several stands for as many.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// What was named: it says which protocol is spoken, and whose certificate is expected.
    pub endpoint: Uri,
    /// `None` where the name cannot be resolved.
    pub address: Option<SocketAddr>,
}

/// What is remembered of places. Pure: whoever asks brings the addresses and the time.
#[derive(Debug)]
pub(super) struct Memory {
    /// When each place failed last that has failed since all were good.
    failed: HashMap<Place, Instant>,
    /// How long that is remembered.
    lasts: Duration,
}

impl Memory {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { failed: HashMap::new(), lasts }
    }

    /// One of these addresses of an endpoint that has not failed lately, whichever: so a fleet spreads over them.
    pub(super) fn choose(
        &mut self,
        endpoint: &Uri,
        addresses: &[SocketAddr],
        now: Instant,
        rng: &mut impl RngExt,
    ) -> Option<Place> {
        let lasts = self.lasts;
        self.failed.retain(|_, at| now.duration_since(*at) < lasts);
        let place = |address| Place { endpoint: endpoint.clone(), address };
        let mut fresh: Vec<Place> = match addresses {
            [] => vec![place(None)],
            addresses => addresses.iter().map(|address| place(Some(*address))).collect(),
        };
        fresh.retain(|place| !self.failed.contains_key(place));
        if fresh.is_empty() {
            return None;
        }
        let chosen = rng.random_range(0..fresh.len());
        Some(fresh.swap_remove(chosen))
    }

    /// It did not serve, or serves no more.
    pub(super) fn failed(&mut self, place: &Place, now: Instant) {
        self.failed.insert(place.clone(), now);
    }

    /// All that was to be tried has failed: it is tried anew.
    pub(super) fn forget(&mut self) {
        self.failed.clear();
    }
}
