//! How long things took.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use backstay_trace::{SpanId, TraceId};

use super::Count;

#[cfg(test)]
mod tests;

/// Upper bounds of the buckets of [`Times`], in seconds, where nobody says others.
pub const BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The same in nanoseconds: most answers are found in the first by one comparison.
const NANOSECONDS: [u64; BOUNDS.len()] = [
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];

/// Upper bounds of buckets, in seconds, in ascending order.
pub type Bounds = Arc<[f64]>;

/// How long things took: how many took no longer than each of some bounds, and all together.
#[derive(Debug, Default)]
pub struct Times {
    usual: Buckets<[Count; BOUNDS.len() + 1]>,
    /// Whether somebody has said other bounds. What is counted by the usual ones is not told from then on.
    is_own: AtomicBool,
    own: ArcSwapOption<FixedTimes>,
}

#[derive(Debug, Default)]
struct Buckets<C> {
    /// One for each bound, and one for what took longer.
    counts: C,
    microseconds: Count,
    /// The last of each bucket that is part of a trace which is sampled. Not there before there is one.
    exemplars: OnceLock<Box<[Mutex<Option<Exemplar>>]>>,
}

/// How long things took, by bounds that stay as they are.
#[derive(Debug)]
pub struct FixedTimes {
    bounds: Bounds,
    buckets: Buckets<Box<[Count]>>,
}

/// One of those that are counted, which can be looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// How long it took, in seconds.
    pub seconds: f64,
    /// When it was counted.
    pub at: SystemTime,
    /// Its trace.
    pub trace: TraceId,
    /// Its span.
    pub span: SpanId,
}

/// What [`Times`] say at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct TimesRead {
    /// Upper bounds, in seconds.
    pub bounds: Bounds,
    /// For each bound how many took no longer, and last how many there were.
    pub cumulated: Vec<u64>,
    /// Seconds that all took together.
    pub sum: f64,
    /// One of each bucket, where one is known.
    pub exemplars: Vec<Option<Exemplar>>,
}

impl Times {
    /// Takes one in, which may be part of a trace.
    #[inline]
    pub fn record(&self, time: Duration, trace: Option<(TraceId, SpanId)>) {
        if self.is_own.load(Relaxed)
            && let Some(own) = &*self.own.load()
        {
            return own.record(time, trace);
        }
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let index = NANOSECONDS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(NANOSECONDS.len());
        self.usual.record(index, time, trace);
    }

    /// Counts by other bounds from now on, from nothing; by the usual ones where none are given.
    pub fn count_by(&self, bounds: Option<&Bounds>) {
        let own = self.own.load();
        let unchanged = match (&*own, bounds) {
            (None, None) => true,
            (Some(own), Some(bounds)) => own.bounds == *bounds,
            (Some(own), None) => *own.bounds == BOUNDS,
            (None, Some(bounds)) => **bounds == BOUNDS,
        };
        if unchanged {
            return;
        }
        let bounds = bounds.cloned().unwrap_or_else(|| BOUNDS.into());
        // What was counted by the usual ones before is not gone back to: it would look as if all of that had happened at once.
        self.own.store(Some(Arc::new(FixedTimes::new(bounds))));
        self.is_own.store(true, Relaxed);
    }

    /// What there is now.
    #[must_use]
    pub fn read(&self) -> TimesRead {
        match &*self.own.load() {
            Some(own) => own.read(),
            None => self.usual.read(BOUNDS.into()),
        }
    }
}

impl FixedTimes {
    /// Of nothing yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let counts = bounds.iter().map(|_| Count::default()).chain([Count::default()]).collect();
        Self { bounds, buckets: Buckets { counts, microseconds: Count::default(), exemplars: OnceLock::new() } }
    }

    /// Takes one in, which may be part of a trace.
    #[inline]
    pub fn record(&self, time: Duration, trace: Option<(TraceId, SpanId)>) {
        let seconds = time.as_secs_f64();
        self.buckets.record(self.bounds.partition_point(|bound| *bound < seconds), time, trace);
    }

    /// What there is now.
    #[must_use]
    pub fn read(&self) -> TimesRead {
        self.buckets.read(Arc::clone(&self.bounds))
    }
}

impl TimesRead {
    /// Both together, which are of the same bounds; of exemplars the newer ones.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (cumulated, more) in self.cumulated.iter_mut().zip(other.cumulated) {
            *cumulated += more;
        }
        self.sum += other.sum;
        for (kept, other) in self.exemplars.iter_mut().zip(other.exemplars) {
            let newer = |one: &Exemplar| kept.is_none_or(|kept| kept.at < one.at);
            *kept = other.filter(newer).or(*kept);
        }
        self
    }
}

impl<C: AsRef<[Count]>> Buckets<C> {
    #[inline]
    fn record(&self, index: usize, time: Duration, trace: Option<(TraceId, SpanId)>) {
        if let Some(bucket) = self.counts.as_ref().get(index) {
            bucket.increment(1);
        }
        self.microseconds.increment(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        if let Some((trace, span)) = trace {
            let seconds = time.as_secs_f64();
            self.keep(index, Exemplar { seconds, at: SystemTime::now(), trace, span });
        }
    }

    #[cold]
    fn keep(&self, index: usize, exemplar: Exemplar) {
        let slots = self.exemplars.get_or_init(|| self.counts.as_ref().iter().map(|_| Mutex::default()).collect());
        // Whoever is not the only one there leaves it to the other: either will do.
        if let Some(mut slot) = slots.get(index).and_then(|slot| slot.try_lock().ok()) {
            *slot = Some(exemplar);
        }
    }

    fn read(&self, bounds: Bounds) -> TimesRead {
        // Read before the sum: what comes in between makes that too large for a moment, never too small.
        let mut sum = 0;
        let counts = self.counts.as_ref().iter().map(|bucket| {
            sum += bucket.get();
            sum
        });
        let cumulated: Vec<u64> = counts.collect();
        let slots = self.exemplars.get().map(|slots| &**slots).unwrap_or_default();
        let kept = |slot: &Mutex<Option<Exemplar>>| *slot.lock().unwrap_or_else(PoisonError::into_inner);
        let exemplars = slots.iter().map(kept).chain(std::iter::repeat(None)).take(cumulated.len()).collect();
        TimesRead { bounds, cumulated, sum: self.microseconds.get() as f64 / 1e6, exemplars }
    }
}
