//! Earlier views that somebody pages through.

use std::time::{Duration, Instant};

use crate::{Revision, Snapshot};

#[cfg(test)]
mod tests;

/// How long earlier views stay after they were asked for. While [`History`](crate::History) reaches back to a view it can be made
/// again, so this matters when there are more writes than history while somebody reads page after page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most views. The least recently used one goes first. Default 32.
    pub views: usize,
    /// How long after its last use a view stays. Default 5 minutes, as long as Kubernetes keeps a list's continuation.
    pub idle: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { views: 32, idle: Duration::from_secs(300) }
    }
}

#[derive(Debug)]
pub(super) struct Retained {
    limits: Retention,
    /// Least recently used first.
    views: Vec<(Instant, Snapshot)>,
}

impl Retained {
    pub(super) fn new(limits: Retention) -> Self {
        Self { limits, views: Vec::new() }
    }

    pub(super) fn get(&mut self, revision: Revision, now: Instant) -> Option<Snapshot> {
        self.expire(now);
        let index = self.views.iter().position(|(_, view)| view.revision() == revision)?;
        let (_, view) = self.views.remove(index);
        self.views.push((now, view.clone()));
        Some(view)
    }

    pub(super) fn insert(&mut self, view: Snapshot, now: Instant) {
        self.expire(now);
        self.views.retain(|(_, other)| other.revision() != view.revision());
        self.views.push((now, view));
        let surplus = self.views.len().saturating_sub(self.limits.views);
        self.views.drain(..surplus);
    }

    pub(super) fn clear(&mut self) {
        self.views.clear();
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let idle = self.limits.idle;
        self.views.retain(|(used, _)| now.saturating_duration_since(*used) < idle);
    }
}
