//! Requests as somebody looks at them while they happen.
//!
//! While nobody looks, a request costs one load of an atomic. Whoever looks opens a session: its filter, its pace and its figures are
//! kept up by the threads that serve, and what comes of it is fetched by whoever has opened it. A session that falls behind loses
//! requests, which are counted, and holds up none.
//!
//! # Layout
//!
//! - `session`: one who looks. `pace`: so many a second. `figures`: what a session of figures counts.
//! - `told`: a request, as it is told.

mod figures;
mod pace;
mod session;
mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use backstay_live::{Filter, Seen};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::access::Record;
use crate::counts::ServerMetrics;

use session::Session;
pub(crate) use session::{Look, Looking, Told};

/// Who looks at requests. Shared by all threads.
#[derive(Debug)]
pub struct Live {
    /// Whether anybody does: all that a request reads while nobody does.
    watched: AtomicBool,
    sessions: ArcSwap<Vec<Arc<Session>>>,
    /// Sessions at once.
    most: usize,
    metrics: Arc<ServerMetrics>,
}

/// As many look already as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} sessions of top and tap are open already, which is what the limit max-live-sessions allows")]
pub(crate) struct TooMany(usize);

impl Live {
    /// Nobody looks yet; at most `most` may at once.
    pub fn new(most: usize, metrics: Arc<ServerMetrics>) -> Self {
        Self { watched: AtomicBool::new(false), sessions: ArcSwap::default(), most, metrics }
    }

    /// Whether requests are looked at.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Relaxed)
    }

    /// Those headers of a request that somebody has asked for.
    #[cold]
    pub(crate) fn headers(&self, headers: &HeaderMap) -> Box<[(HeaderName, HeaderValue)]> {
        let mut kept: Vec<(HeaderName, HeaderValue)> = Vec::new();
        for name in self.sessions.load().iter().flat_map(|session| session.filter().headers()) {
            if !kept.iter().any(|(known, _)| known == name) {
                kept.extend(headers.get_all(name).iter().map(|value| (name.clone(), value.clone())));
            }
        }
        kept.into()
    }

    /// A request has ended.
    #[cold]
    pub(crate) fn ended(&self, record: &Record) {
        let seen = Seen {
            backend: record.backend.as_deref().or(record.destination.as_deref()),
            route: record.route.as_deref(),
            path: record.target.path(),
            status: record.status,
            duration: record.duration,
            method: &record.method,
        };
        for session in self.sessions.load().iter().filter(|session| session.filter().takes(&seen)) {
            session.take(record, &self.metrics);
        }
    }

    /// Begins to look.
    ///
    /// # Errors
    /// When as many look already as may.
    pub(crate) fn look(self: &Arc<Self>, filter: Filter, look: Look) -> Result<Looking, TooMany> {
        if !self.metrics.live_sessions.enter(self.most as u64) {
            self.metrics.live_sessions_refused.increment(1);
            return Err(TooMany(self.most));
        }
        let (session, told) = Session::new(filter, look);
        let session = Arc::new(session);
        self.change(|sessions| sessions.push(Arc::clone(&session)));
        Ok(Looking::new(Arc::clone(self), session, told))
    }

    /// Ends a session.
    fn leave(&self, session: &Arc<Session>) {
        self.change(|sessions| sessions.retain(|known| !Arc::ptr_eq(known, session)));
        self.metrics.live_sessions.decrement();
    }

    fn change(&self, change: impl Fn(&mut Vec<Arc<Session>>)) {
        self.sessions.rcu(|sessions| {
            let mut sessions = Vec::clone(sessions);
            change(&mut sessions);
            sessions
        });
        // By what is there afterwards, whoever else changes it at the same time.
        self.watched.store(!self.sessions.load().is_empty(), Relaxed);
    }
}

impl Default for Live {
    /// At most eight look at once.
    fn default() -> Self {
        Self::new(8, Arc::default())
    }
}

#[cfg(test)]
mod tests;
