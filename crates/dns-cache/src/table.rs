//! The decisions of the cache: a state machine without I/O. Inputs are what requests and lookups do and what time it is;
//! outputs are lookups to begin and to abandon.

mod budget;
mod entry;
mod outcome;
mod persistence;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use backstay_destination::TargetName;
use backstay_destination::lookup::Settings;
use dashmap::DashMap;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::error::LookupError;
use crate::family::Family;
use crate::host::{Host, Origin, Resolution};
use crate::refresh::{Ending, wait};
use crate::resolve::Answer;
use crate::stats::Stats;
use budget::Budget;
use entry::HostEntry;

pub(crate) use entry::EntryView;

#[cfg(test)]
mod tests;

/// What the refresher must do for the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// Begin a lookup and report to [`Table::complete`] with the same key and number.
    Begin { key: Arc<str>, name: Arc<str>, number: u64 },
    /// Nobody is interested in this lookup any more.
    Abandon { number: u64 },
}

/// Hosts by key, as data threads read them. The table alone writes it, one host at a time.
pub(crate) type Index = DashMap<Arc<str>, Arc<Host>>;

pub(crate) struct Table {
    settings: Settings,
    origin: Origin,
    stats: Arc<Stats>,
    random: SmallRng,
    entries: HashMap<Arc<str>, HostEntry>,
    index: Arc<Index>,
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
            index: Arc::default(),
            timers: BTreeSet::new(),
            budget: Budget::default(),
            next_number: 0,
            effects: Vec::new(),
            closed: false,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn family(&self) -> Family {
        self.settings.family
    }

    pub(crate) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(time, _)| *time)
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = EntryView> {
        self.entries.values().map(HostEntry::view)
    }

    /// A request wants a host. Whoever finds it in the table joins it, whatever its state and however full the table.
    pub(crate) fn join(&mut self, now: Instant, target: &TargetName) -> Result<Arc<Host>, LookupError> {
        if let Some(entry) = self.entries.get(target.key()) {
            return Ok(Arc::clone(&entry.host));
        }
        if self.closed {
            return Err(LookupError::Failed("cache_closed".into()));
        }
        if !self.settings.rules.permits_port(target.port()) {
            self.stats.dns_address_filter_out.increment();
            return Err(denied());
        }
        if self.budget.proper() >= self.settings.max_hosts {
            self.stats.host_overflow.increment();
            return Err(LookupError::Overflow);
        }
        let key: Arc<str> = target.key().into();
        let host = Arc::new(Host::new(Arc::clone(&key), self.origin.moment(now)));
        let entry = HostEntry::new(Arc::clone(&host), target.name(), target.port(), self.budget.enter());
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
        let port = entry.port;
        match answer {
            Answer::Addresses(addresses, ttl) => {
                self.stats.dns_query_success.increment();
                let permitted = self.permitted(addresses.iter().map(|address| SocketAddr::new(*address, port)));
                if permitted.is_empty() {
                    let reason = if addresses.is_empty() { "nodata" } else { ADDRESS_DENIED };
                    self.ended(now, key, Ending::Empty);
                    self.failed(now, key, reason.into());
                } else if !self.resolved(now, key, permitted, ttl) {
                    return;
                }
            }
            Answer::Empty(reason) => {
                self.stats.dns_query_success.increment();
                self.ended(now, key, Ending::Empty);
                self.absent(now, key, reason);
            }
            Answer::Failed(reason) => {
                self.stats.dns_query_failure.increment();
                let ending = entry.next_failure();
                self.ended(now, key, ending);
                self.failed(now, key, reason);
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
            if entry.is_unused(now, self.origin, self.settings.host_ttl) {
                self.remove(&key);
                continue;
            }
            if entry.stale_end.is_some_and(|end| end <= now) {
                self.expire(&key);
            }
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            if entry.due.is_none_or(|due| due > now) {
                self.arm(&key);
            } else if let Some(number) = entry.lookup.take() {
                entry.last = Some((now, entry.next_failure()));
                self.stats.dns_query_timeout.increment();
                self.stats.dns_query_failure.increment();
                self.effects.push(Effect::Abandon { number });
                self.failed(now, &key, "resolve_timeout".into());
                self.plan(now, &key);
            } else {
                self.begin(now, &key);
            }
        }
    }

    /// Changes the settings. Every entry stays; waits are measured anew from the end of its last lookup. When other families or
    /// addresses are wanted, every host is asked for again at once; addresses that are denied now are not handed out any more. What was
    /// asked for another family is not listened to.
    pub(crate) fn configure(&mut self, now: Instant, settings: Settings) {
        let other_rules = settings.rules != self.settings.rules;
        let other_family = settings.family != self.settings.family;
        let ask = other_rules || other_family;
        self.settings = settings;
        if other_family {
            self.abandon_all();
        }
        if ask && !self.closed {
            // That there is no address was an answer to another question: requests wait for the new one.
            let without = |entry: &&mut HostEntry| matches!(*entry.host.resolution(), Resolution::None(_));
            self.entries.values_mut().filter(without).for_each(|entry| entry.host.publish(Resolution::Loading));
        }
        if other_rules {
            self.judge_anew();
        }
        for entry in self.entries.values_mut() {
            entry.find_stale_end(&self.settings);
            // To be found out anew.
            entry.idle_end = None;
        }
        let keys: Vec<_> =
            self.entries.iter().filter(|(_, entry)| entry.lookup.is_none()).map(|(key, _)| Arc::clone(key)).collect();
        for key in keys {
            if ask {
                self.set_due(&key, None);
                self.begin(now, &key);
            } else {
                self.plan(now, &key);
            }
        }
        self.make_room();
    }

    /// Forgets the lookups that are under way, for others to be begun.
    fn abandon_all(&mut self) {
        let abandoned = self.entries.values_mut().filter_map(|entry| entry.lookup.take());
        self.effects.extend(abandoned.map(|number| Effect::Abandon { number }));
    }

    /// Ends everything: lookups are abandoned, waiters are told, no host is taken any more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.timers.clear();
        for entry in self.entries.values_mut() {
            (entry.due, entry.timer, entry.stale_end, entry.idle_end) = (None, None, None, None);
            if let Some(number) = entry.lookup.take() {
                self.effects.push(Effect::Abandon { number });
            }
            if matches!(*entry.host.resolution(), Resolution::Loading) {
                entry.host.publish(Resolution::None(LookupError::Failed("cache_closed".into())));
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
        self.set_due(key, end);
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
        self.set_due(key, Some(next));
    }

    /// Says when the next lookup or the end of patience is due.
    fn set_due(&mut self, key: &Arc<str>, time: Option<Instant>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.due = time;
        }
        self.arm(key);
    }

    /// Sets the timer of a host to what comes first.
    fn arm(&mut self, key: &Arc<str>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let time = entry
            .due
            .into_iter()
            .chain(entry.stale_end)
            .chain(entry.idle_end(self.origin, self.settings.host_ttl))
            .min();
        if let Some(old) = std::mem::replace(&mut entry.timer, time) {
            self.timers.remove(&(old, Arc::clone(key)));
        }
        if let Some(time) = time {
            self.timers.insert((time, Arc::clone(key)));
        }
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
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        if let Some(time) = entry.timer {
            self.timers.remove(&(time, Arc::clone(key)));
        }
        if let Some(number) = entry.lookup {
            self.effects.push(Effect::Abandon { number });
        }
        // Whoever still waits for it learns that it is gone; nobody hangs.
        if matches!(*entry.host.resolution(), Resolution::Loading) {
            entry.host.publish(Resolution::None(LookupError::Overflow));
        }
        self.budget.leave(&entry.class);
        self.index.remove(key);
        self.stats.host_removed.increment();
        self.count_hosts();
    }

    fn count_hosts(&self) {
        self.stats.num_hosts.set(self.entries.len());
        self.stats.num_negative_hosts.set(self.budget.negative());
    }
}

/// Why an address or port that the rules keep back is refused, in Envoy's word.
const ADDRESS_DENIED: &str = "address_denied";

/// What a request for such an address is told.
pub(crate) fn denied() -> LookupError {
    LookupError::Failed(ADDRESS_DENIED.into())
}
