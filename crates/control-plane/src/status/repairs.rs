//! When a status is put right that somebody else has changed.
//!
//! At once, as a rule: a client that merges its own condition into an object replaces the whole list, and whoever waits
//! for one of ours would wait for ever. Two writers that each insist on the same condition would go on without end, though,
//! so that the repairs of one object are limited to a burst, and to a steady pace after it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use backstay_compiler::ObjectKey;
use tokio::time::Instant;

/// How many repairs of one object may follow each other without a pause.
pub(super) const BURST: u32 = 10;

/// How often one object is repaired in the long run.
pub(super) const PACE: Duration = Duration::from_secs(10);

/// How often what has long been quiet is forgotten.
const TIDY: Duration = Duration::from_secs(60);

/// What is to be repaired, and what was.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// When each object may be as if it had never been repaired.
    spent: HashMap<ObjectKey, Instant>,
    /// What is to be looked at, and when.
    waiting: BTreeMap<Instant, BTreeSet<ObjectKey>>,
    /// What waits for its turn.
    delayed: BTreeSet<ObjectKey>,
    tidied: Option<Instant>,
}

impl Repairs {
    /// Notes objects whose status somebody else has changed. Returns how many of them have to wait.
    pub(super) fn ask(&mut self, objects: impl IntoIterator<Item = ObjectKey>, now: Instant) -> u64 {
        let mut delayed = 0;
        for key in objects {
            let turn = self.turn(&key, now);
            if turn > now {
                if !self.delayed.insert(key.clone()) {
                    continue;
                }
                delayed += 1;
                let name = key.to_string();
                tracing::warn!(object = name, "another client keeps changing its conditions; they are put right later");
            }
            self.waiting.entry(turn).or_default().insert(key);
        }
        delayed
    }

    /// When an object may be repaired next.
    fn turn(&self, key: &ObjectKey, now: Instant) -> Instant {
        let free = self.spent.get(key).and_then(|until| until.checked_sub(PACE * (BURST - 1)));
        free.map_or(now, |free| free.max(now))
    }

    /// What may be repaired at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> BTreeSet<ObjectKey> {
        let mut due = BTreeSet::new();
        while let Some(first) = self.waiting.first_entry().filter(|first| *first.key() <= now) {
            due.extend(first.remove());
        }
        for key in &due {
            self.delayed.remove(key);
        }
        if self.tidied.is_none_or(|tidied| now.saturating_duration_since(tidied) >= TIDY) {
            self.tidied = Some(now);
            self.spent.retain(|_, until| *until > now);
        }
        due
    }

    /// An object has been repaired.
    pub(super) fn done(&mut self, key: ObjectKey, now: Instant) {
        let until = self.spent.entry(key).or_insert(now);
        *until = (*until).max(now) + PACE;
    }

    /// When [`Repairs::take_due`] will have something.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(due, _)| *due)
    }
}
