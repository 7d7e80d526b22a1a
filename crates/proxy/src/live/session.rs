//! One who looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use backstay_live::Filter;
use backstay_proto::live::{TappedRequest, TopTable};
use backstay_upstream::uptime;
use tokio::sync::mpsc;

use super::Live;
use super::figures::Figures;
use super::pace::Pace;
use super::told;
use crate::access::Record;
use crate::counts::ServerMetrics;
use crate::metrics::BackendSnapshot;

/// Requests that wait to be fetched; beyond, they are lost, and counted.
const WAITING: usize = 1024;
/// Requests that are fetched together.
const TOGETHER: usize = 128;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Requests, at most so many a second.
    Requests(u32),
    /// Figures.
    Figures,
}

/// One who looks, as the threads know it that serve.
#[derive(Debug)]
pub(super) struct Session {
    filter: Filter,
    what: What,
}

#[derive(Debug)]
enum What {
    Requests { pace: Pace, told: mpsc::Sender<TappedRequest>, missed: AtomicU64 },
    Figures(Box<Figures>),
}

impl Session {
    pub(super) fn new(filter: Filter, look: Look) -> (Self, mpsc::Receiver<TappedRequest>) {
        let (told, waiting) = mpsc::channel(WAITING);
        let what = match look {
            Look::Requests(most) => What::Requests { pace: Pace::new(most), told, missed: AtomicU64::new(0) },
            Look::Figures => What::Figures(Box::default()),
        };
        (Self { filter, what }, waiting)
    }

    pub(super) const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Takes a request in that the filter lets pass.
    pub(super) fn take(&self, record: &Record, metrics: &ServerMetrics) {
        match &self.what {
            What::Figures(figures) => figures.record(record),
            What::Requests { pace, told, missed } => {
                let room = pace.takes(uptime()).then(|| told.try_reserve().ok()).flatten();
                match room {
                    Some(room) => room.send(told::request(record, &self.filter)),
                    None => {
                        missed.fetch_add(1, Relaxed);
                        metrics.live_requests_missed.increment(1);
                    }
                }
            }
        }
    }
}

/// Requests as they are fetched.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) requests: Vec<TappedRequest>,
    /// Requests that were not told since the last time.
    pub(crate) missed: u64,
}

/// Somebody looks for as long as this lives.
#[derive(Debug)]
pub(crate) struct Looking {
    live: Arc<Live>,
    session: Arc<Session>,
    told: mpsc::Receiver<TappedRequest>,
    since: Instant,
}

impl Looking {
    pub(super) fn new(live: Arc<Live>, session: Arc<Session>, told: mpsc::Receiver<TappedRequest>) -> Self {
        Self { live, session, told, since: Instant::now() }
    }

    /// The next requests, once there are any. Dropped before that, it loses none.
    pub(crate) async fn requests(&mut self) -> Told {
        let mut requests = Vec::new();
        self.told.recv_many(&mut requests, TOGETHER).await;
        Told { requests, missed: self.missed() }
    }

    /// Requests that were not told since this was last asked.
    pub(crate) fn missed(&self) -> u64 {
        match &self.session.what {
            What::Requests { missed, .. } => missed.swap(0, Relaxed),
            What::Figures(_) => 0,
        }
    }

    /// The figures since they were last taken.
    pub(crate) fn table(&mut self, backends: &[BackendSnapshot]) -> TopTable {
        let now = Instant::now();
        let seconds = now.duration_since(self.since).as_secs_f64();
        self.since = now;
        match &self.session.what {
            What::Figures(figures) => figures.take(seconds, &self.session.filter, backends),
            What::Requests { .. } => TopTable::default(),
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.live.leave(&self.session);
    }
}
