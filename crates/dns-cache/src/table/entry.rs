//! What the table knows of one host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::HostClass;
use crate::host::Host;
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
    /// What the timer is set to: the earlier of the two.
    pub(super) timer: Option<Instant>,
    pub(super) last: Option<(Instant, Ending)>,
    /// When its addresses were learned, and for how long they were good.
    pub(super) learned: Option<(Instant, Duration)>,
    /// Since when lookups have brought no address, where some are held.
    pub(super) stale_since: Option<Instant>,
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
            timer: None,
            last: None,
            learned: None,
            stale_since: None,
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

    /// The number of failures in a row, one more among them.
    pub(super) fn next_failure(&self) -> Ending {
        match self.last {
            Some((_, Ending::Failure(count))) => Ending::Failure(count.saturating_add(1)),
            _ => Ending::Failure(1),
        }
    }
}
