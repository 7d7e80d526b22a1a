//! What the table knows of one host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_destination::lookup::Settings;

use super::budget::HostClass;
use crate::host::{Host, Origin};
use crate::refresh::Ending;

pub(super) struct HostEntry {
    pub(super) host: Arc<Host>,
    pub(super) name: Arc<str>,
    pub(super) port: u16,
    pub(super) class: HostClass,
    /// The number of the lookup under way.
    pub(super) lookup: Option<u64>,
    /// End of patience while a lookup is under way, else time of the next.
    pub(super) due: Option<Instant>,
    /// When the addresses are given up, unless a lookup brings some before.
    pub(super) stale_end: Option<Instant>,
    /// When it may have been unused for too long. Only a use that was not yet looked at can put that off.
    pub(super) idle_end: Option<Instant>,
    /// What the timer is set to: the earliest of the three.
    pub(super) timer: Option<Instant>,
    pub(super) last: Option<(Instant, Ending)>,
    /// When its addresses were learned, and for how long they were good.
    pub(super) learned: Option<(Instant, Duration)>,
    /// Since when lookups have brought no address, where some are held.
    pub(super) stale_since: Option<Instant>,
    /// Since when DNS has said that there is none, where some are held.
    pub(super) absent_since: Option<Instant>,
    pub(super) last_error: Option<Arc<str>>,
}

/// Moments of an entry, for those who want to see.
pub(crate) struct EntryView {
    pub(crate) host: Arc<Host>,
    pub(crate) next: Option<Instant>,
    /// When the TTL of its addresses ends, and what it was.
    pub(crate) expires: Option<(Instant, Duration)>,
    pub(crate) stale: bool,
    pub(crate) last_error: Option<Arc<str>>,
}

impl HostEntry {
    pub(super) fn new(host: Arc<Host>, name: &str, port: u16, class: HostClass) -> Self {
        Self {
            host,
            name: name.into(),
            port,
            class,
            lookup: None,
            due: None,
            stale_end: None,
            idle_end: None,
            timer: None,
            last: None,
            learned: None,
            stale_since: None,
            absent_since: None,
            last_error: None,
        }
    }

    pub(super) fn view(&self) -> EntryView {
        EntryView {
            host: Arc::clone(&self.host),
            next: self.due.filter(|_| self.lookup.is_none()),
            expires: self.learned.and_then(|(at, ttl)| Some((at.checked_add(ttl)?, ttl))),
            stale: self.stale_since.is_some(),
            last_error: self.last_error.clone(),
        }
    }

    /// When its addresses are given up, as `settings` have it.
    pub(super) fn find_stale_end(&mut self, settings: &Settings) {
        let after = |since: Option<Instant>, most: Option<Duration>| since?.checked_add(most?);
        let stale = after(self.stale_since, settings.max_stale);
        let absent = after(self.absent_since, settings.max_absent);
        self.stale_end = stale.into_iter().chain(absent).min();
    }

    /// When it will have been unused for longer than `host_ttl`, unless it is used; none while a lookup is under way, which somebody may
    /// wait for.
    pub(super) fn idle_end(&mut self, origin: Origin, host_ttl: Duration) -> Option<Instant> {
        if self.idle_end.is_none() {
            // Uses are counted in whole milliseconds, and one that is as long ago as may be is not too long ago.
            let grace = host_ttl.checked_add(Duration::from_millis(1));
            self.idle_end = grace.and_then(|grace| origin.instant(self.host.last_used())?.checked_add(grace));
        }
        self.idle_end.filter(|_| self.lookup.is_none())
    }

    /// Whether it has been unused for longer than `host_ttl`. If it has been used since that was last looked at, it has more time.
    pub(super) fn is_unused(&mut self, now: Instant, origin: Origin, host_ttl: Duration) -> bool {
        if self.idle_end(origin, host_ttl).is_none_or(|end| end > now) {
            return false;
        }
        self.idle_end = None;
        self.host.idle(origin.moment(now)) > host_ttl
    }

    /// It has addresses, or is to have none: how long it had them without a lookup that brought any does not matter any more.
    pub(super) fn is_fresh(&mut self) {
        (self.stale_since, self.absent_since, self.stale_end) = (None, None, None);
    }

    /// The number of failures in a row, one more among them.
    pub(super) fn next_failure(&self) -> Ending {
        match self.last {
            Some((_, Ending::Failure(count))) => Ending::Failure(count.saturating_add(1)),
            _ => Ending::Failure(1),
        }
    }
}
