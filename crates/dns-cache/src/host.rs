//! A host as data threads see it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::error::LookupError;

/// Where to connect: at least one address, in the order to try them.
pub type Addresses = Arc<[SocketAddr]>;

/// What the lookups of a host have come to.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// Nothing yet: the first lookup is under way.
    Loading,
    Addresses(Addresses),
    /// No address, and why.
    None(LookupError),
}

/// The part of an entry that data threads read, and the only things they write: when it was last used.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) key: Arc<str>,
    resolution: ArcSwap<Resolution>,
    learned: Notify,
    /// Milliseconds since the clock's origin.
    last_used: AtomicU64,
}

impl Host {
    pub(crate) fn new(key: Arc<str>, now: Moment) -> Self {
        Self {
            key,
            resolution: ArcSwap::from_pointee(Resolution::Loading),
            learned: Notify::new(),
            last_used: AtomicU64::new(now.0),
        }
    }

    /// What a request gets now; nothing while the first lookup is under way. Having got an address counts as a use.
    pub(crate) fn answer(&self, now: Moment) -> Option<Result<Addresses, LookupError>> {
        match &**self.resolution.load() {
            Resolution::Loading => None,
            Resolution::Addresses(addresses) => {
                // Requests of one moment write once: a shared line that is not written stays in every core's cache.
                if self.last_used.load(Ordering::Relaxed) < now.0 {
                    self.last_used.store(now.0, Ordering::Relaxed);
                }
                Some(Ok(Arc::clone(addresses)))
            }
            Resolution::None(error) => Some(Err(error.clone())),
        }
    }

    /// Waits until the first lookup is over. The lookup does not depend on anyone waiting.
    pub(crate) async fn learned(&self) {
        loop {
            let learned = self.learned.notified();
            tokio::pin!(learned);
            // Before the look at what is known, or a notice between the two would be missed.
            learned.as_mut().enable();
            if !matches!(&**self.resolution.load(), Resolution::Loading) {
                return;
            }
            learned.await;
        }
    }

    pub(crate) fn publish(&self, resolution: Resolution) {
        self.resolution.store(Arc::new(resolution));
        self.learned.notify_waiters();
    }

    pub(crate) fn resolution(&self) -> Arc<Resolution> {
        self.resolution.load_full()
    }

    pub(crate) fn addresses(&self) -> Option<Addresses> {
        match &**self.resolution.load() {
            Resolution::Addresses(addresses) => Some(Arc::clone(addresses)),
            _ => None,
        }
    }

    /// When it was used.
    pub(crate) fn last_used(&self) -> Moment {
        Moment(self.last_used.load(Ordering::Relaxed))
    }

    /// How long ago it was used.
    pub(crate) fn idle(&self, now: Moment) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.last_used().0))
    }
}

/// Milliseconds since a cache began.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment(pub(crate) u64);

/// A point on the monotonic clock that moments count from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(pub(crate) Instant);

impl Origin {
    /// The beginning of a moment. None where the clock does not reach that far.
    pub(crate) fn instant(self, moment: Moment) -> Option<Instant> {
        self.0.checked_add(Duration::from_millis(moment.0))
    }

    pub(crate) fn moment(self, now: Instant) -> Moment {
        Moment(u64::try_from(now.saturating_duration_since(self.0).as_millis()).unwrap_or(u64::MAX))
    }
}
