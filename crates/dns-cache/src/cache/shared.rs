//! What requests and the refresher share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use backstay_destination::{AddressRules, TargetName};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::LookupError;
use crate::family::Family;
use crate::host::{Addresses, Host, Moment, Origin};
use crate::stats::Stats;
use crate::table::{Index, Table, denied};

/// The state of a cache.
pub(super) struct Shared {
    pub(super) origin: Origin,
    /// The hosts that a hit finds.
    pub(super) index: Arc<Index>,
    /// The rules that address literals are judged by.
    pub(super) rules: ArcSwap<AddressRules>,
    pub(super) max_pending: AtomicUsize,
    pub(super) pending: AtomicUsize,
    pub(super) stats: Arc<Stats>,
    /// What a miss, a lookup's end and a timer change, each for a moment.
    pub(super) table: Mutex<Table>,
    /// There is something for the refresher to do.
    pub(super) changed: Notify,
    pub(super) closed: Notify,
}

impl Shared {
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        // No code that holds it can leave it half changed, should it ever panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn literal(&self, address: SocketAddr) -> Result<Addresses, LookupError> {
        if self.rules.load().permits(address) {
            return Ok(Arc::new([address]));
        }
        self.stats.dns_address_filter_out.increment();
        Err(denied())
    }

    pub(super) fn join(&self, target: &TargetName) -> Result<Arc<Host>, LookupError> {
        let mut table = self.table();
        let host = table.join(Instant::now().into_std(), target)?;
        drop(table);
        self.changed.notify_one();
        Ok(host)
    }

    pub(super) fn now(&self) -> Moment {
        self.origin.moment(Instant::now().into_std())
    }

    pub(super) fn family(&self) -> Family {
        self.table().family()
    }
}

/// A permit to wait for a lookup, of which there are as many as may wait at once. Given back when dropped.
pub(super) struct PendingPermit {
    pub(super) shared: Arc<Shared>,
}

impl PendingPermit {
    pub(super) fn take(shared: &Arc<Shared>) -> Result<Self, LookupError> {
        let max = shared.max_pending.load(Ordering::Relaxed);
        let taken = shared
            .pending
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |pending| (pending < max).then_some(pending + 1));
        if taken.is_err() {
            shared.stats.dns_rq_pending_overflow.increment();
            return Err(LookupError::PendingOverflow);
        }
        Ok(Self { shared: Arc::clone(shared) })
    }
}

impl Drop for PendingPermit {
    fn drop(&mut self) {
        self.shared.pending.fetch_sub(1, Ordering::Relaxed);
    }
}
