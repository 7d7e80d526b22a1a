//! What one thread counts of how long requests took.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use backstay_model::route::PathMatch;
use backstay_trace::{SpanId, TraceId};
use backstay_upstream::counts::FixedTimes;
use rustc_hash::FxHashMap;

use super::{Measured, Place, RequestTimes, RouteNumber, Series};

/// What one thread counts of how long requests took: where its series are, so that it asks nobody as it counts.
#[derive(Debug, Default)]
pub(crate) struct RequestLane {
    /// Which `series` are of.
    generation: u32,
    series: FxHashMap<Series, Arc<FixedTimes>>,
    /// That of requests that have none of their own, once there is one.
    beyond: Option<Arc<FixedTimes>>,
    routes: FxHashMap<Box<str>, RouteNumber>,
    /// Where the name of a route is written, to be looked for.
    name: String,
}

impl RequestLane {
    /// The number of the route that matches `path`.
    pub(crate) fn route(&mut self, times: &RequestTimes, path: &PathMatch) -> RouteNumber {
        self.name.clear();
        // Writing to a String cannot fail.
        let _ = path.write_name(&mut self.name);
        if let Some(number) = self.routes.get(&*self.name) {
            return *number;
        }
        let number = times.number(&self.name);
        // Routes that nobody has room for may be any number.
        if number != RouteNumber::BEYOND {
            self.routes.insert(self.name.as_str().into(), number);
        }
        number
    }

    /// Counts a request, which has taken so long, with its trace if it is sampled.
    pub(crate) fn record(
        &mut self,
        times: &RequestTimes,
        measured: &Measured,
        took: Duration,
        trace: Option<(TraceId, SpanId)>,
    ) {
        let generation = times.generation.load(Relaxed);
        if generation == 0 {
            return;
        }
        if generation != self.generation {
            self.series.clear();
            (self.generation, self.beyond) = (generation, None);
        }
        let series = Series::of(measured);
        if let Some(own) = self.series.get(&series) {
            return own.record(took, trace);
        }
        self.enter(times, series, took, trace);
    }

    /// Counts a request of a series that this thread has not counted in.
    #[cold]
    fn enter(&mut self, times: &RequestTimes, series: Series, took: Duration, trace: Option<(TraceId, SpanId)>) {
        if series != Series::BEYOND {
            match times.enter(self.generation, series) {
                Place::Own(own) => {
                    own.record(took, trace);
                    self.series.insert(series, own);
                    return;
                }
                Place::NoRoom => {}
                Place::Over => return,
            }
        }
        times.overflows.increment(1);
        if self.beyond.is_none()
            && let Place::Own(own) = times.enter(self.generation, Series::BEYOND)
        {
            self.beyond = Some(own);
        }
        if let Some(beyond) = &self.beyond {
            beyond.record(took, trace);
        }
    }
}
