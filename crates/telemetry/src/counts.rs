//! What became of what was to be told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Signal;

/// What became of what was to be told, by signal. Any thread may count.
#[derive(Debug, Default)]
pub struct Counts {
    traces: SignalCounts,
    logs: SignalCounts,
    metrics: SignalCounts,
    requests: SignalCounts,
}

/// What became of the spans, of the log records, of the metrics or of the requests.
#[derive(Debug, Default)]
pub struct SignalCounts {
    sent: AtomicU64,
    no_room: AtomicU64,
    refused: AtomicU64,
    unreachable: AtomicU64,
    failures: AtomicU64,
}

impl Counts {
    /// Those of a signal.
    #[must_use]
    pub const fn of(&self, signal: Signal) -> &SignalCounts {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
            Signal::Requests => &self.requests,
        }
    }
}

impl SignalCounts {
    /// How many a collector has taken.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// How many are lost, by the cause: the queue was full, the collector refused them, or it could not be reached for too long.
    #[must_use]
    pub fn dropped(&self) -> [(&'static str, u64); 3] {
        [
            ("queue", self.no_room.load(Relaxed)),
            ("refused", self.refused.load(Relaxed)),
            ("unreachable", self.unreachable.load(Relaxed)),
        ]
    }

    /// How many requests to a collector failed, those that were made again included.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    pub(crate) fn taken(&self, count: u64) {
        self.sent.fetch_add(count, Relaxed);
    }

    pub(crate) fn no_room(&self) {
        self.no_room.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, count: u64) {
        self.refused.fetch_add(count, Relaxed);
    }

    pub(crate) fn unreachable(&self, count: u64) {
        self.unreachable.fetch_add(count, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }
}
