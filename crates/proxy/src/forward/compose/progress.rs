//! How far a call has come, and what is told of it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_composition::CallId;

use crate::counts::{CallMetrics, CallOutcome};

/// One call under way, or over. Dropped before it has ended, it was cancelled.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) id: CallId,
    /// Position of the call in the plan.
    pub(super) position: usize,
    started: Instant,
    /// How long it took, and how it ended.
    ended: Cell<Option<(Duration, CallOutcome)>>,
    /// Who answered.
    address: Cell<Option<SocketAddr>>,
    counts: Option<Arc<CallMetrics>>,
}

impl Progress {
    /// A call that begins now, counted in `counts`.
    pub(super) fn new(id: CallId, position: usize, counts: Option<&Arc<CallMetrics>>) -> Self {
        let (ended, address) = (Cell::default(), Cell::default());
        Self { id, position, started: Instant::now(), ended, address, counts: counts.map(Arc::clone) }
    }

    /// The endpoint at `address` has answered.
    pub(super) fn answered_by(&self, address: SocketAddr) {
        self.address.set(Some(address));
    }

    /// Who has answered.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address.get()
    }

    /// The call has ended like this; what is told first counts.
    pub(super) fn end(&self, outcome: CallOutcome) {
        if self.ended.get().is_some() {
            return;
        }
        let took = self.started.elapsed();
        self.ended.set(Some((took, outcome)));
        if let Some(counts) = &self.counts {
            counts.record(outcome, took);
        }
    }

    /// How long it took, and how it ended.
    pub(super) fn ended(&self) -> (Duration, CallOutcome) {
        self.ended.get().unwrap_or_else(|| (self.started.elapsed(), CallOutcome::Cancelled))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end(CallOutcome::Cancelled);
    }
}
