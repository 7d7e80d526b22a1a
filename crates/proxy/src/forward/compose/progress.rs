//! How far a call has come, and what is told of it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use backstay_balancer::CallEnd;
use backstay_composition::CallId;

use super::passing::Permit;

/// One call under way, or over.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) id: CallId,
    /// Position of the call in the plan.
    pub(super) position: usize,
    started: Instant,
    /// How long it took, and how it ended.
    ended: Cell<Option<(Duration, &'static str)>>,
    /// Who answered.
    address: Cell<Option<SocketAddr>>,
    /// The breaker that has let it pass, and is to be told how it ends.
    permit: RefCell<Option<Box<Permit>>>,
}

/// How calls end that do not fail.
pub(super) const COMPLETE: &str = "ok";
/// There is an answer, but it does not say all that it should.
pub(super) const INCOMPLETE: &str = "incomplete";
/// Nobody waited for its end.
pub(super) const CANCELLED: &str = "cancelled";

impl Progress {
    /// A call that begins now.
    pub(super) fn new(id: CallId, position: usize) -> Self {
        Self {
            id,
            position,
            started: Instant::now(),
            ended: Cell::default(),
            address: Cell::default(),
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

    /// A breaker has let the call pass.
    pub(super) fn permitted(&self, permit: Permit) {
        *self.permit.borrow_mut() = Some(Box::new(permit));
    }

    /// The call has ended like this; what is told first counts.
    pub(super) fn end(&self, outcome: &'static str) {
        if self.ended.get().is_some() {
            return;
        }
        self.ended.set(Some((self.started.elapsed(), outcome)));
        if let Some(permit) = self.permit.take() {
            permit.end(match outcome {
                COMPLETE | INCOMPLETE => CallEnd::Success,
                CANCELLED => CallEnd::Abandoned,
                _ => CallEnd::Failure,
            });
        }
    }

    /// How long it took, and how it ended.
    pub(super) fn ended(&self) -> (Duration, &'static str) {
        self.ended.get().unwrap_or_else(|| (self.started.elapsed(), CANCELLED))
    }
}
