//! How far a call has come, and what is told of it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstay_balancer::CallEnd;
use backstay_composition::CallId;

use super::passing::Permit;
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
    /// The breaker that has let it pass, and is to be told how it ends.
    permit: RefCell<Option<Box<Permit>>>,
}

impl Progress {
    /// A call that begins now, counted in `counts`.
    pub(super) fn new(id: CallId, position: usize, counts: Option<&Arc<CallMetrics>>) -> Self {
        let (ended, address) = (Cell::default(), Cell::default());
        Self {
            id,
            position,
            started: Instant::now(),
            ended,
            address,
            counts: counts.map(Arc::clone),
            permit: RefCell::default(),
        }
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
            counts.record(outcome, took, None);
        }
        if let Some(permit) = self.permit.take() {
            permit.end(match outcome {
                CallOutcome::Ok | CallOutcome::Incomplete => CallEnd::Success,
                CallOutcome::Cancelled => CallEnd::Abandoned,
                _ => CallEnd::Failure,
            });
        }
    }

    /// A breaker has let the call pass.
    pub(super) fn permitted(&self, permit: Permit) {
        *self.permit.borrow_mut() = Some(Box::new(permit));
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
