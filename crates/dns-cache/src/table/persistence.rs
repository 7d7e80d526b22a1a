//! Hosts of an earlier run.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_destination::TargetName;
use rand::RngExt;

use super::Table;
use super::entry::HostEntry;
use crate::host::{Host, Resolution};
use crate::refresh::Ending;

impl Table {
    /// Enters a host as resolved, if there is room for it and the rules let any of its addresses pass. Its TTL is over in `left`,
    /// or has been for `stale`. It is asked for again soon, though not all such hosts at once.
    pub(crate) fn recall(
        &mut self,
        now: Instant,
        target: &TargetName,
        addresses: &[IpAddr],
        left: Duration,
        stale: Duration,
    ) -> bool {
        let too_old = self.settings.max_stale.is_some_and(|max| stale > max);
        let full = self.budget.proper() >= self.settings.max_hosts;
        if self.closed || too_old || full || self.entries.contains_key(target.key()) {
            return false;
        }
        let addresses = self.permitted(addresses.iter().map(|address| SocketAddr::new(*address, target.port())));
        if addresses.is_empty() {
            return false;
        }
        let key: Arc<str> = target.key().into();
        let host = Arc::new(Host::new(Arc::clone(&key), self.origin.moment(now)));
        host.publish(Resolution::Addresses(addresses.into()));
        let mut entry = HostEntry::new(Arc::clone(&host), target.name(), target.port(), self.budget.enter());
        entry.last = Some((now, Ending::Addresses(left)));
        entry.learned = Some((now, left));
        if !stale.is_zero() {
            entry.stale_since = Some(now.checked_sub(stale).unwrap_or(now));
            entry.find_stale_end(&self.settings);
        }
        self.entries.insert(Arc::clone(&key), entry);
        self.index.insert(Arc::clone(&key), host);
        self.stats.cache_load.increment();
        self.stats.host_added.increment();
        self.count_hosts();
        let soon = self.settings.min_refresh_rate.mul_f64(self.random.random_range(0.0..1.0));
        self.set_due(&key, now.checked_add(soon));
        true
    }
}
