//! How long a change takes from its request to the last proxy that acknowledges it, as spans of one trace.
//!
//! A request to the API that commits something is a span, in the trace of its caller if that is sampled. Below it there are, for each commit, how
//! long that took, how long it was compiled, and for each proxy of the fleets that it concerns, how long until it was sent there and
//! until it was answered. Nothing is kept where no collector is told.
//!
//! # Layout
//!
//! - [`Changes`]: what is on its way. `pending`: one change. `log`: what came to pass before its revision was known here.
//! - `request`: requests. `commits`: the store, as they see it.

mod commits;
mod log;
mod pending;
mod request;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use backstay_proto::otlp::trace::v1;
use backstay_telemetry::{Counts, Environment, EnvironmentError, Lane, Queue, Signal, Span, SpanKind};
use backstay_trace::{Sampler, SpanId};
use backstay_xds::server::StreamId;

pub(crate) use self::commits::Commits;
use self::log::{Log, Mark, What};
use self::pending::Pending;
use self::request::Request;
pub(crate) use self::request::follow;

/// Most changes that are looked after at once: of more, the oldest are given up.
const MOST: usize = 256;
/// Most spans that wait to be told.
const CAPACITY: usize = 4096;

/// Changes on their way to proxies, of requests that are sampled. Nothing, where no collector is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    sampler: Sampler,
    spans: OnceLock<(Queue<v1::Span>, Lane<v1::Span>)>,
    state: Mutex<State>,
}

/// Changes by the revision of their commit, and what came to pass lately.
#[derive(Debug, Default)]
struct State {
    pending: BTreeMap<u64, Pending>,
    log: Log,
}

impl Changes {
    /// As the variables say: each change, where they name a collector for traces and no sampler.
    ///
    /// # Errors
    /// The variable that cannot be honoured.
    pub(crate) fn new(environment: &Environment) -> Result<Self, EnvironmentError> {
        let sampler = environment.sampler()?;
        let collector = environment.collector(Signal::Traces, None)?.filter(|_| !environment.silences(Signal::Traces));
        // Who changes something does not do so a thousand times a second.
        let sampler = sampler.or_else(|| Sampler::parent_based(1.0).ok()).filter(|sampler| sampler.is_on());
        let kept = collector.and(sampler);
        Ok(Self(kept.map(|sampler| Arc::new(Shared { sampler, spans: OnceLock::new(), state: Mutex::default() }))))
    }

    /// Where spans wait to be told; none where nothing is kept.
    pub(crate) fn spans(&self, counts: &Arc<Counts>) -> Option<Queue<v1::Span>> {
        let shared = self.0.as_ref()?;
        let made = || {
            let queue = Queue::new(Signal::Traces, CAPACITY, Arc::clone(counts));
            let lane = queue.lane();
            (queue, lane)
        };
        Some(shared.spans.get_or_init(made).0.clone())
    }

    /// A commit of a request has been done, between these two moments.
    fn committed(&self, request: &Arc<Request>, revision: u64, (began, ended): (Instant, Instant)) {
        let Some(shared) = &self.0 else { return };
        let commit = request.span("commit", request.span, (began, ended), revision);
        let mut pending = Pending::new(Arc::clone(request), commit.id, revision);
        let mut state = shared.lock();
        // The watch may have been faster than whoever waited for the commit.
        let mut spans = vec![commit];
        state.log.since(revision).for_each(|mark| spans.extend(pending.take(mark)));
        if !pending.is_over() {
            state.pending.insert(revision, pending);
            if state.pending.len() > MOST {
                state.pending.pop_first();
            }
        }
        drop(state);
        spans.into_iter().for_each(|span| shared.tell(span));
    }

    /// All up to a revision has been compiled between these two moments, and concerns these fleets.
    pub(crate) fn compiled(&self, revision: u64, between: (Instant, Instant), fleets: impl Iterator<Item = Arc<str>>) {
        if let Some(shared) = &self.0 {
            shared.came_to_pass(Mark { revision, what: What::Compiled(between, fleets.collect()) });
        }
    }

    /// A proxy of a fleet was sent something as of a revision.
    pub(crate) fn sent(&self, revision: u64, stream: StreamId, fleet: &Arc<str>, node: &str) {
        if let Some(shared) = &self.0 {
            shared
                .came_to_pass(Mark { revision, what: What::Sent(Instant::now(), stream, fleet.clone(), node.into()) });
        }
    }

    /// A proxy has refused something as of a revision.
    pub(crate) fn refused(&self, revision: u64, stream: StreamId, why: &str) {
        if let Some(shared) = &self.0 {
            shared.came_to_pass(Mark { revision, what: What::Refused(stream, why.into()) });
        }
    }

    /// A proxy has answered everything up to a revision.
    pub(crate) fn answered(&self, revision: u64, stream: StreamId) {
        if let Some(shared) = &self.0 {
            shared.came_to_pass(Mark { revision, what: What::Answered(Instant::now(), stream) });
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came_to_pass(&self, mark: Mark) {
        let mut spans = Vec::new();
        let mut state = self.lock();
        let concerned = state.pending.range_mut(..=mark.revision).map(|(revision, pending)| {
            spans.extend(pending.take(&mark));
            (*revision, pending.is_over())
        });
        let over: BTreeSet<u64> = concerned.filter(|(_, is_over)| *is_over).map(|(revision, _)| revision).collect();
        state.pending.retain(|revision, _| !over.contains(revision));
        state.log.push(mark);
        drop(state);
        spans.into_iter().for_each(|span| self.tell(span));
    }

    fn tell(&self, span: Span) {
        if let Some((_, lane)) = self.spans.get() {
            lane.push(span.into());
        }
    }
}

/// Another identifier.
fn id() -> SpanId {
    SpanId::new(rand::random())
}

/// Inside of a process; named so that nobody has to look it up.
const INTERNAL: SpanKind = SpanKind::Internal;
