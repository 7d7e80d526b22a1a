//! How far a call has come, and what is told of it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use backstay_composition::CallId;

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
        Self { id, position, started: Instant::now(), ended: Cell::default(), address: Cell::default() }
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
    pub(super) fn end(&self, outcome: &'static str) {
        if self.ended.get().is_none() {
            self.ended.set(Some((self.started.elapsed(), outcome)));
        }
    }

    /// How long it took, and how it ended.
    pub(super) fn ended(&self) -> (Duration, &'static str) {
        self.ended.get().unwrap_or_else(|| (self.started.elapsed(), CANCELLED))
    }
}
