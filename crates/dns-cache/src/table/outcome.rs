//! What the end of a lookup, the passing of time and the address rules do to what is known of a host.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ADDRESS_DENIED, Table};
use crate::error::LookupError;
use crate::host::{Addresses, Resolution};
use crate::refresh::Ending;

impl Table {
    pub(super) fn ended(&mut self, now: Instant, key: &Arc<str>, ending: Ending) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.last = Some((now, ending));
        }
    }

    /// What of `addresses` the rules let pass.
    pub(super) fn permitted(&self, addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
        let permitted = addresses.filter(|address| {
            let permitted = self.settings.rules.permits(*address);
            if !permitted {
                self.stats.dns_address_filter_out.increment();
            }
            permitted
        });
        permitted.collect()
    }

    /// Takes from hosts what the rules do not let pass any more.
    pub(super) fn judge_anew(&mut self) {
        let held = self.entries.iter().filter_map(|(key, entry)| Some((Arc::clone(key), entry.host.addresses()?)));
        let held: Vec<_> = held.collect();
        for (key, addresses) in held {
            let permitted = self.permitted(addresses.iter().copied());
            if permitted.is_empty() {
                self.lose(&key, ADDRESS_DENIED.into());
            } else if permitted.len() < addresses.len()
                && let Some(entry) = self.entries.get(&key)
            {
                entry.host.publish(Resolution::Addresses(permitted.into()));
                self.stats.host_address_changed.increment();
            }
        }
    }

    /// Publishes addresses; false if there is no place for one more host that has some.
    pub(super) fn resolved(&mut self, now: Instant, key: &Arc<str>, addresses: Vec<SocketAddr>, ttl: Duration) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        if entry.class.is_negative() {
            if self.budget.proper() >= self.settings.max_hosts {
                self.stats.host_overflow.increment();
                self.remove(key);
                return false;
            }
            self.budget.restore(&mut entry.class);
        }
        entry.last = Some((now, Ending::Addresses(ttl)));
        entry.learned = Some((now, ttl));
        entry.last_error = None;
        entry.is_fresh();
        let new: Addresses = addresses.into();
        if entry.host.addresses().as_ref() != Some(&new) {
            entry.host.publish(Resolution::Addresses(new));
            self.stats.host_address_changed.increment();
        }
        self.count_hosts();
        true
    }

    /// Notes that DNS says that there is no address. A host that has some keeps them for as long as the settings say.
    pub(super) fn absent(&mut self, now: Instant, key: &Arc<str>, reason: Arc<str>) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.host.addresses().is_some()) {
            entry.absent_since.get_or_insert(now);
        }
        self.failed(now, key, reason);
    }

    /// Notes that a lookup has brought no address. A host that has some keeps them, for as long as they may be stale.
    pub(super) fn failed(&mut self, now: Instant, key: &Arc<str>, reason: Arc<str>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.last_error = Some(Arc::clone(&reason));
        if entry.host.addresses().is_none() {
            self.lose(key, reason);
            return;
        }
        entry.stale_since.get_or_insert(now);
        entry.find_stale_end(&self.settings);
        if entry.stale_end.is_some_and(|end| end <= now) {
            self.expire(key);
        }
    }

    /// Gives up addresses that have been stale for too long.
    pub(super) fn expire(&mut self, key: &Arc<str>) {
        self.stats.stale_host_expired.increment();
        let reason = self.entries.get(key).and_then(|entry| entry.last_error.clone());
        self.lose(key, reason.unwrap_or_else(|| "expired".into()));
    }

    /// Publishes that a host has no address, and counts it among those that have none.
    pub(super) fn lose(&mut self, key: &Arc<str>, reason: Arc<str>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.learned = None;
        entry.is_fresh();
        entry.last_error = Some(Arc::clone(&reason));
        entry.host.publish(Resolution::None(LookupError::Failed(reason)));
        if !entry.class.is_negative() {
            self.budget.demote(&mut entry.class, key);
            self.make_room();
        }
        self.count_hosts();
    }
}
