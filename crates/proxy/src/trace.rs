//! What is recorded of requests that are sampled: a span for the request, and one for each attempt.
//!
//! What a client says of its trace goes on as it is with a request that is not sampled, for which nothing is allocated. Of one that is,
//! endpoints learn the span of the attempt that they get.
//!
//! # Layout
//!
//! - [`Tracing`]: which requests are sampled, and where their spans go. [`RequestTrace`]: one that is.
//! - `attempt`: what is sent in it. `span`: what is told of both.
//! - `settings`: which of those who have a say is heard.

mod attempt;
mod settings;
mod span;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use backstay_proto::otlp::trace::v1;
use backstay_telemetry::{Counts, Lane, Queue, Signal, Timed};
use backstay_trace::{Format, Incoming, Sampler, SpanId, TraceId};
use http::HeaderMap;

use crate::access::Plan;
pub(crate) use settings::{TraceControl, telemetry_settings};

/// How many spans of one data thread wait to be sent, unless a limit says otherwise.
const CAPACITY: usize = 4096;

/// Which requests are sampled, and where their spans go.
#[derive(Debug)]
pub(crate) struct Tracing {
    on: AtomicBool,
    rules: ArcSwap<Rules>,
    queue: Queue<v1::Span>,
    /// Of requests that have no line in the log, what is kept is kept by this.
    pub(crate) plan: Arc<Plan>,
}

/// What is done with requests that begin now.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) sampler: Sampler,
    pub(crate) formats: Vec<Format>,
}

/// A request that is sampled.
#[derive(Debug)]
pub(crate) struct RequestTrace {
    pub(crate) id: TraceId,
    /// The span of the request.
    pub(crate) span: SpanId,
    /// The client's span, if it has one.
    parent: Option<SpanId>,
    /// How the client says so.
    came: Option<Format>,
    rules: Arc<Rules>,
    began: Timed,
    attempts: RefCell<Vec<attempt::Attempt>>,
    /// What the next identifier comes of.
    seed: Cell<u64>,
}

impl Default for Tracing {
    fn default() -> Self {
        Self::new(CAPACITY, Arc::default())
    }
}

impl Tracing {
    /// Of nothing, until rules come. Each data thread keeps up to `capacity` spans that wait.
    pub(crate) fn new(capacity: usize, counts: Arc<Counts>) -> Self {
        Self {
            on: AtomicBool::new(false),
            rules: ArcSwap::from_pointee(Rules { sampler: Sampler::OFF, formats: Vec::new() }),
            queue: Queue::new(Signal::Traces, capacity, counts),
            plan: Arc::default(),
        }
    }

    /// Samples by `rules` from now on.
    pub(crate) fn turn(&self, rules: Rules) {
        let on = rules.sampler.is_on();
        self.rules.store(Arc::new(rules));
        self.on.store(on, Relaxed);
    }

    /// Whether any request may be sampled.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Where another thread leaves spans.
    pub(crate) fn lane(&self) -> Lane<v1::Span> {
        self.queue.lane()
    }

    /// Where spans wait.
    pub(crate) fn queue(&self) -> Queue<v1::Span> {
        self.queue.clone()
    }

    /// What is recorded of a request with `headers`, if it is sampled. `random` has numbers by chance.
    #[inline(never)]
    pub(crate) fn begin(
        &self,
        headers: &HeaderMap,
        now: Instant,
        random: impl Fn() -> u64,
    ) -> Option<Rc<RequestTrace>> {
        let incoming = Incoming::read(headers);
        let rules = self.rules.load();
        let lower = random();
        if !rules.sampler.samples(incoming.as_ref(), lower) {
            return None;
        }
        let parent = incoming.and_then(|incoming| incoming.parent);
        Some(Rc::new(RequestTrace {
            id: parent.map_or_else(|| TraceId::new(random(), lower), |parent| parent.trace),
            span: SpanId::new(random()),
            parent: parent.map(|parent| parent.span),
            came: incoming.map(|incoming| incoming.format),
            rules: Arc::clone(&rules),
            began: Timed::at(SystemTime::now(), now),
            attempts: RefCell::default(),
            seed: Cell::new(random()),
        }))
    }
}

impl RequestTrace {
    /// Its trace, and the span of the request.
    pub(crate) const fn ids(&self) -> (TraceId, SpanId) {
        (self.id, self.span)
    }

    /// Another identifier: the next number of SplitMix64.
    fn next_id(&self) -> SpanId {
        let state = self.seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.seed.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        SpanId::new(mixed ^ (mixed >> 31))
    }
}

#[cfg(test)]
mod tests;
