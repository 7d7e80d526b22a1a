//! The decisions of the cache: a state machine without I/O. Inputs are what requests and lookups do and what time it is;
//! outputs are lookups to begin and to abandon.

mod budget;

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::authority::TargetName;
use crate::error::LookupError;
use crate::host::{Addresses, Host, Knowledge, Origin};
use crate::refresh::{Ending, wait};
use crate::resolve::Answer;
use crate::settings::Settings;
use crate::stats::Stats;
use budget::{Budget, Place};

#[cfg(test)]
mod tests;

/// What the shell must do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// Begin a lookup and report to [`Table::complete`] with the same key and number.
    Begin { key: Arc<str>, name: Arc<str>, number: u64 },
    /// Nobody is interested in this lookup any more.
    Abandon { number: u64 },
}

/// Hosts by key, as data threads read them.
pub(crate) type Index = imbl::HashMap<Arc<str>, Arc<Host>>;

struct Entry {
    host: Arc<Host>,
    name: Arc<str>,
    port: u16,
    place: Place,
    /// The number of the lookup under way.
    lookup: Option<u64>,
    /// End of patience while a lookup is under way, else time of the next.
    timer: Option<Instant>,
    last: Option<(Instant, Ending)>,
    last_error: Option<Arc<str>>,
}

/// Moments of an entry, for those who want to see.
pub(crate) struct EntryView {
    pub(crate) host: Arc<Host>,
    pub(crate) next: Option<Instant>,
    pub(crate) last_error: Option<Arc<str>>,
}

pub(crate) struct Table {
    settings: Settings,
    origin: Origin,
    stats: Arc<Stats>,
    random: SmallRng,
    entries: HashMap<Arc<str>, Entry>,
    index: Index,
    timers: BTreeSet<(Instant, Arc<str>)>,
    budget: Budget,
    next_number: u64,
    effects: Vec<Effect>,
    closed: bool,
}

impl Table {
    pub(crate) fn new(settings: Settings, origin: Origin, stats: Arc<Stats>, seed: u64) -> Self {
        Self {
            settings,
            origin,
            stats,
            random: SmallRng::seed_from_u64(seed),
            entries: HashMap::new(),
            index: Index::new(),
            timers: BTreeSet::new(),
            budget: Budget::default(),
            next_number: 0,
            effects: Vec::new(),
            closed: false,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(time, _)| *time)
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = EntryView> {
        self.entries.values().map(|entry| EntryView {
            host: Arc::clone(&entry.host),
            next: entry.timer.filter(|_| entry.lookup.is_none()),
            last_error: entry.last_error.clone(),
        })
    }

    /// A request wants a host. Whoever finds it in the table joins it, whatever its state and however full the table.
    pub(crate) fn join(&mut self, now: Instant, target: &TargetName) -> Result<Arc<Host>, LookupError> {
        if let Some(entry) = self.entries.get(target.key()) {
            return Ok(Arc::clone(&entry.host));
        }
        if self.closed {
            return Err(LookupError::Failed("cache_closed".into()));
        }
        if self.budget.proper() >= self.settings.max_hosts {
            self.stats.host_overflow.increment();
            return Err(LookupError::Overflow);
        }
        let key: Arc<str> = target.key().into();
        let host = Arc::new(Host::new(Arc::clone(&key), self.origin.moment(now)));
        let entry = Entry {
            host: Arc::clone(&host),
            name: target.name().into(),
            port: target.port(),
            place: self.budget.enter(),
            lookup: None,
            timer: None,
            last: None,
            last_error: None,
        };
        self.entries.insert(Arc::clone(&key), entry);
        self.index.insert(Arc::clone(&key), Arc::clone(&host));
        self.stats.host_added.increment();
        self.count_hosts();
        self.begin(now, &key);
        Ok(host)
    }

    /// A lookup is over. One that was abandoned is not listened to.
    pub(crate) fn complete(&mut self, now: Instant, key: &Arc<str>, number: u64, answer: Answer) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.lookup == Some(number)) else {
            return;
        };
        entry.lookup = None;
        match answer {
            Answer::Addresses(addresses, ttl) if !addresses.is_empty() => {
                self.stats.dns_query_success.increment();
                entry.last = Some((now, Ending::Addresses(ttl)));
                entry.last_error = None;
                if !self.resolved(key, &addresses) {
                    return;
                }
            }
            Answer::Addresses(..) => {
                self.stats.dns_query_success.increment();
                entry.last = Some((now, Ending::Empty));
                self.failed(key, "nodata".into());
            }
            Answer::Empty(reason) => {
                self.stats.dns_query_success.increment();
                entry.last = Some((now, Ending::Empty));
                self.failed(key, reason);
            }
            Answer::Failed(reason) => {
                self.stats.dns_query_failure.increment();
                entry.last = Some((now, next_failure(entry.last)));
                self.failed(key, reason);
            }
        }
        self.plan(now, key);
    }

    /// Does whatever is due: ends patience, drops the unused, refreshes the rest.
    pub(crate) fn advance(&mut self, now: Instant) {
        while let Some((time, key)) = self.timers.first().cloned()
            && time <= now
        {
            self.timers.pop_first();
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            entry.timer = None;
            if let Some(number) = entry.lookup.take() {
                entry.last = Some((now, next_failure(entry.last)));
                self.stats.dns_query_timeout.increment();
                self.stats.dns_query_failure.increment();
                self.effects.push(Effect::Abandon { number });
                self.failed(&key, "resolve_timeout".into());
                self.plan(now, &key);
            } else if entry.host.idle(self.origin.moment(now)) > self.settings.host_ttl {
                self.remove(&key);
            } else {
                self.begin(now, &key);
            }
        }
    }

    /// Changes the settings. Every entry stays; waits are measured anew from the end of its last lookup. When other
    /// families are wanted, every host is asked for again at once.
    pub(crate) fn configure(&mut self, now: Instant, settings: Settings) {
        let other_family = settings.family != self.settings.family;
        self.settings = settings;
        let keys: Vec<_> =
            self.entries.iter().filter(|(_, entry)| entry.lookup.is_none()).map(|(key, _)| Arc::clone(key)).collect();
        for key in keys {
            if other_family {
                self.set_timer(&key, None);
                self.begin(now, &key);
            } else {
                self.plan(now, &key);
            }
        }
        self.make_room();
    }

    /// Ends everything: lookups are abandoned, waiters are told, no host is taken any more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.timers.clear();
        for entry in self.entries.values_mut() {
            entry.timer = None;
            if let Some(number) = entry.lookup.take() {
                self.effects.push(Effect::Abandon { number });
            }
            if matches!(*entry.host.knowledge(), Knowledge::Loading) {
                entry.host.publish(Knowledge::None(LookupError::Failed("cache_closed".into())));
            }
        }
    }

    fn begin(&mut self, now: Instant, key: &Arc<str>) {
        self.next_number += 1;
        let number = self.next_number;
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.lookup = Some(number);
        let name = Arc::clone(&entry.name);
        self.stats.dns_query_attempt.increment();
        self.effects.push(Effect::Begin { key: Arc::clone(key), name, number });
        let patience = self.settings.query_timeout;
        let end = if patience.is_zero() { None } else { now.checked_add(patience) };
        self.set_timer(key, end);
    }

    /// Sets the time of the next lookup from how the last one ended.
    fn plan(&mut self, now: Instant, key: &Arc<str>) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let Some((ended, ending)) = entry.last else {
            return;
        };
        let idle = entry.host.idle(self.origin.moment(ended));
        let next = ended.checked_add(wait(&self.settings, ending, idle, self.random.random())).unwrap_or(now);
        self.set_timer(key, Some(next));
    }

    fn set_timer(&mut self, key: &Arc<str>, time: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.timer, time) {
            self.timers.remove(&(old, Arc::clone(key)));
        }
        if let Some(time) = time {
            self.timers.insert((time, Arc::clone(key)));
        }
    }

    /// Publishes addresses; false if there is no place for one more host that has some.
    fn resolved(&mut self, key: &Arc<str>, addresses: &[IpAddr]) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        if entry.place.is_negative() {
            if self.budget.proper() >= self.settings.max_hosts {
                self.stats.host_overflow.increment();
                self.remove(key);
                return false;
            }
            self.budget.restore(&mut entry.place);
        }
        let new: Addresses = addresses.iter().map(|address| SocketAddr::new(*address, entry.port)).collect();
        if entry.host.addresses().as_ref() != Some(&new) {
            entry.host.publish(Knowledge::Addresses(new));
            self.stats.host_address_changed.increment();
        }
        self.count_hosts();
        true
    }

    /// Notes that there is no address. A host that has some keeps them.
    fn failed(&mut self, key: &Arc<str>, reason: Arc<str>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.last_error = Some(Arc::clone(&reason));
        if entry.host.addresses().is_some() {
            return;
        }
        entry.host.publish(Knowledge::None(LookupError::Failed(reason)));
        if !entry.place.is_negative() {
            self.budget.demote(&mut entry.place, key);
            self.make_room();
        }
        self.count_hosts();
    }

    /// Drops hosts without an address, the one that failed first before the others, until they fit.
    fn make_room(&mut self) {
        while self.budget.negative() > self.settings.max_negative_hosts {
            let Some(oldest) = self.budget.oldest_negative() else {
                return;
            };
            self.stats.negative_host_evicted.increment();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Arc<str>) {
        self.set_timer(key, None);
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        if let Some(number) = entry.lookup {
            self.effects.push(Effect::Abandon { number });
        }
        // Whoever still waits for it learns that it is gone; nobody hangs.
        if matches!(*entry.host.knowledge(), Knowledge::Loading) {
            entry.host.publish(Knowledge::None(LookupError::Overflow));
        }
        self.budget.leave(&entry.place);
        self.index.remove(key);
        self.stats.host_removed.increment();
        self.count_hosts();
    }

    fn count_hosts(&self) {
        self.stats.num_hosts.set(self.entries.len());
        self.stats.num_negative_hosts.set(self.budget.negative());
    }
}

fn next_failure(last: Option<(Instant, Ending)>) -> Ending {
    match last {
        Some((_, Ending::Failure(count))) => Ending::Failure(count.saturating_add(1)),
        _ => Ending::Failure(1),
    }
}
