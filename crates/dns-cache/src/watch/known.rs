//! What is known of a name, and since when that is in doubt.

use std::ops::Deref;

use backstay_destination::lookup::Staleness;
use tokio::time::Instant;

/// What was last learned of a name: its addresses, or its servers. Lookups that bring none leave it as it is and say so; how long it is
/// used then is up to who uses it.
#[derive(Debug, Eq, PartialEq)]
pub struct Known<T> {
    list: Vec<T>,
    doubt: Doubt,
}

/// Since when lookups have brought nothing, where something is known from before.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Doubt {
    stale_since: Option<Instant>,
    absent_since: Option<Instant>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::new(Vec::new(), Doubt::default())
    }
}

impl<T> Known<T> {
    pub(super) const fn new(list: Vec<T>, doubt: Doubt) -> Self {
        Self { list, doubt }
    }

    /// Since when it is in doubt.
    #[must_use]
    pub const fn doubt(&self) -> Doubt {
        self.doubt
    }
}

impl<T> Deref for Known<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.list
    }
}

impl Doubt {
    /// A lookup has failed.
    pub(super) fn failed(self, now: Instant) -> Self {
        Self { stale_since: self.stale_since.or(Some(now)), ..self }
    }

    /// DNS says that there is nothing.
    pub(super) fn absent(self, now: Instant) -> Self {
        Self { absent_since: self.absent_since.or(Some(now)), ..self.failed(now) }
    }

    /// Until when what is known is used. None: for as long as nothing else is learned.
    #[must_use]
    pub fn end(self, staleness: Staleness) -> Option<Instant> {
        let after = |since: Option<Instant>, most| since?.checked_add(most?);
        let stale = after(self.stale_since, staleness.max_stale);
        stale.into_iter().chain(after(self.absent_since, staleness.max_absent)).min()
    }
}
