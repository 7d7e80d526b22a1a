//! What connections and requests are doing, told to the sweep that cuts the slow and closes the idle.
//!
//! Timers per request would cost more than the rest of a small request's bookkeeping. Instead a connection only counts
//! what happens to it, and each thread looks at all its connections now and then: one whose counts have not moved for
//! longer than its phase allows is cut. A limit is therefore kept to within one sweep.

mod ending;
mod interim;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use backstay_upstream::uptime;

use interim::InterimQueue;

pub(crate) use ending::{Cause, First};
pub(crate) use stream::StreamActivity;

/// What a connection is doing. Shared with the connection's stream, which must be `Send`; only one thread uses it.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Requests in flight.
    requests: AtomicU32,
    /// Bytes of a head have arrived, but not all.
    head: AtomicBool,
    /// HTTP/2: bytes between requests are not the start of a head.
    multiplexed: AtomicBool,
    /// Counts changes of phase.
    epoch: AtomicU32,
    /// Counts reads and writes.
    moves: AtomicU32,
    /// Bodies of requests that may not have been read to their end, though their requests were answered.
    bodies: AtomicU32,
    /// Something was written that may not have left.
    unsent: AtomicBool,
    /// The sweep has asked the connection to give up what it needs only while it is used, and it has not answered yet.
    asked_to_park: AtomicBool,
    /// The connection gives up what it needs only while it is used, or has given it up.
    parked: AtomicBool,
    /// HTTP/1.1: the client has broken the framing of its requests.
    refused: AtomicBool,
    /// HTTP/1.1: the connection changes to another protocol, or has.
    tunnel: AtomicBool,
    /// HTTP/1.1: when the answer under way must have ended, in milliseconds of this process's time; 0 without such a time.
    end: AtomicU64,
    /// HTTP/1.1: until when the listener allows the body of the request under way, and its answer; as `end`.
    allowed: [AtomicU64; 2],
    /// Why the request under way ends before its end, or, where several share the connection, the connection.
    cause: First,
    /// HTTP/1.1: interim answers to the request under way.
    interim: InterimQueue,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No request.
    Idle,
    /// Part of a head has arrived.
    Head,
    /// At least one request is in flight.
    Busy,
    /// The time of the request in flight is over.
    Late,
    /// The request in flight takes longer than its listener allows.
    TooLong,
}

/// A phase and how far it has come. Twice the same progress means that nothing happened in between.
pub(crate) type Progress = (Phase, u32);

impl Activity {
    /// A new connection, which owes its first bytes.
    pub(crate) fn new() -> Self {
        Self { head: AtomicBool::new(true), ..Self::default() }
    }

    /// The connection speaks HTTP/2.
    pub(crate) fn multiplexes(&self) {
        self.multiplexed.store(true, Relaxed);
        self.head.store(false, Relaxed);
        self.turn();
    }

    /// Whether the connection speaks HTTP/2.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Relaxed)
    }

    /// The client has sent what is no request.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Relaxed);
    }

    /// What is read from now on is no request any more. Returns whether the client has kept to requests until now.
    pub(crate) fn enter_tunnel(&self) -> bool {
        self.tunnel.store(true, Relaxed);
        !self.refused.load(Relaxed)
    }

    /// Whether what is read is no request any more.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.tunnel.load(Relaxed)
    }

    /// Bytes have arrived.
    pub(crate) fn read(&self) {
        self.moved();
        if self.requests.load(Relaxed) == 0 && !self.multiplexed.load(Relaxed) && !self.head.load(Relaxed) {
            self.head.store(true, Relaxed);
            self.turn();
        }
    }

    /// Bytes are handed over to leave.
    pub(crate) fn write(&self) {
        self.moved();
        self.unsent.store(true, Relaxed);
    }

    /// All that was written has left.
    pub(crate) fn flushed(&self) {
        self.unsent.store(false, Relaxed);
    }

    /// Interim answers that are to leave before anything else does.
    #[inline]
    pub(crate) const fn interim(&self) -> &InterimQueue {
        &self.interim
    }

    /// An interim answer to the request under way, which `encode` writes. False if it cannot be told where it belongs: some of what
    /// came before has not left, and hyper has the rest.
    pub(crate) fn push_interim(&self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        let follows = !self.unsent.load(Relaxed) || self.interim.is_waiting();
        if follows {
            self.interim.push(encode);
        }
        follows
    }

    /// A request has a body, which is read from now on.
    pub(crate) fn enter_body(&self) {
        self.bodies.store(self.bodies.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A body has been read as far as it will be.
    pub(crate) fn leave_body(&self) {
        self.bodies.store(self.bodies.load(Relaxed).wrapping_sub(1), Relaxed);
    }

    /// Whether the connection is between two requests, with nothing on its way in either direction.
    fn is_between_requests(&self) -> bool {
        self.requests.load(Relaxed) == 0
            && self.bodies.load(Relaxed) == 0
            && !self.unsent.load(Relaxed)
            && !self.head.load(Relaxed)
            && !self.multiplexed.load(Relaxed)
    }

    /// Asks an HTTP/1.1 connection between two requests to park. Returns whether it was awake.
    pub(crate) fn ask_to_park(&self) -> bool {
        let may = self.is_between_requests() && !self.parked.load(Relaxed) && !self.asked_to_park.load(Relaxed);
        if may {
            self.asked_to_park.store(true, Relaxed);
        }
        may
    }

    /// Whether to park now, after having been asked to. The answer is given once.
    pub(crate) fn may_park(&self) -> bool {
        if !self.asked_to_park.load(Relaxed) {
            return false;
        }
        self.asked_to_park.store(false, Relaxed);
        self.is_between_requests()
    }

    /// The connection is parked from now on.
    pub(crate) fn park(&self) {
        self.parked.store(true, Relaxed);
    }

    /// The connection is parked no longer.
    pub(crate) fn unpark(&self) {
        self.parked.store(false, Relaxed);
    }

    /// Whether the connection is parked, or about to be.
    pub(crate) fn is_parked(&self) -> bool {
        self.parked.load(Relaxed)
    }

    /// Bytes have moved.
    pub(crate) fn moved(&self) {
        // A plain load and store: only one thread writes.
        self.moves.store(self.moves.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A request has started. Returns how many are in flight now.
    pub(crate) fn enter(&self) -> u32 {
        self.head.store(false, Relaxed);
        if !self.is_multiplexed() {
            self.cause.clear();
        }
        let requests = self.requests.load(Relaxed).wrapping_add(1);
        self.requests.store(requests, Relaxed);
        self.turn();
        requests
    }

    /// The answer that has begun must have ended at `end`.
    pub(crate) fn end_by(&self, end: Option<Instant>) {
        self.end.store(end.map_or(0, millis), Relaxed);
    }

    /// The body of the request that has started must have come by `body`, and its answer have ended by `answer`.
    #[cold]
    pub(crate) fn allow(&self, body: Option<Instant>, answer: Option<Instant>) {
        for (allowed, end) in self.allowed.iter().zip([body, answer]) {
            allowed.store(end.map_or(0, millis), Relaxed);
        }
    }

    /// The body of the request under way has come.
    pub(crate) fn body_has_come(&self) {
        self.allowed[0].store(0, Relaxed);
    }

    /// Whether the request under way takes longer than it may at `now`.
    fn is_too_long(&self, now: Duration) -> bool {
        self.allowed.iter().any(|allowed| is_over(allowed, now))
    }

    /// Whether the answer under way should have ended at `now`.
    fn is_late(&self, now: Duration) -> bool {
        is_over(&self.end, now)
    }

    /// Why the request under way ends before its end.
    pub(crate) const fn cause(&self) -> &First {
        &self.cause
    }

    /// The connection is cut in this phase: whatever becomes of its requests, that is why.
    pub(crate) fn cut(&self, phase: Phase) {
        match phase {
            Phase::Busy => self.cause.set(Cause::Still),
            Phase::Late => self.cause.set(Cause::Deadline),
            Phase::TooLong => self.cause.set(Cause::TooLong),
            Phase::Idle | Phase::Head => {}
        }
    }

    /// A request has ended.
    pub(crate) fn leave(&self) {
        self.end.store(0, Relaxed);
        self.allowed.iter().for_each(|allowed| allowed.store(0, Relaxed));
        self.requests.store(self.requests.load(Relaxed).wrapping_sub(1), Relaxed);
        self.turn();
    }

    fn turn(&self) {
        self.epoch.store(self.epoch.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Where the connection is at `now`, in this process's time.
    pub(crate) fn progress(&self, now: Duration) -> Progress {
        let epoch = self.epoch.load(Relaxed);
        if self.is_late(now) {
            (Phase::Late, epoch)
        } else if self.is_too_long(now) {
            (Phase::TooLong, epoch)
        } else if self.requests.load(Relaxed) > 0 {
            (Phase::Busy, epoch.wrapping_add(self.moves.load(Relaxed)))
        } else if self.head.load(Relaxed) {
            (Phase::Head, epoch)
        } else {
            (Phase::Idle, epoch)
        }
    }
}

/// A point in time in milliseconds of this process's time, and never 0.
fn millis(end: Instant) -> u64 {
    let in_uptime = uptime() + end.saturating_duration_since(Instant::now());
    // Not before it: the rest of a millisecond counts as one.
    u64::try_from(in_uptime.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Whether it is `end` or later at `now`; never where it is 0.
fn is_over(end: &AtomicU64, now: Duration) -> bool {
    let end = end.load(Relaxed);
    end > 0 && u128::from(end) <= now.as_millis()
}

/// A request's body that may not have been read to its end, whatever became of the request.
#[derive(Debug)]
pub(crate) struct Reading(Arc<Activity>);

impl Reading {
    /// A body on the connection of `activity` is read from now on, until this is dropped.
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.enter_body();
        Self(Arc::clone(activity))
    }
}

impl Reading {
    /// All of it was read.
    pub(crate) fn has_come(&self) {
        self.0.body_has_come();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.leave_body();
    }
}

#[cfg(test)]
mod tests;
