//! What is counted for the calls of compositions: it outlives every version of their route.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use backstay_upstream::counts::Bounds;

use crate::counts::CallMetrics;

/// Counts by the names of calls.
type ByCall = HashMap<Arc<str>, Arc<CallMetrics>>;

/// Counts by the names of a route and of a call. They go with the route.
#[derive(Debug, Default)]
pub(super) struct CallCounts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    routes: HashMap<Arc<str>, ByCall>,
    /// What times are counted by, where it is not as usual.
    bounds: Option<Bounds>,
}

impl CallCounts {
    /// What is counted for a call of a route, made when it is not there.
    pub(super) fn of(&self, route: &Arc<str>, call: &Arc<str>) -> Arc<CallMetrics> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { routes, bounds } = &mut *counts;
        let calls = routes.entry(Arc::clone(route)).or_default();
        let made = || {
            let metrics = CallMetrics::default();
            metrics.duration.count_by(bounds.as_ref());
            Arc::new(metrics)
        };
        Arc::clone(calls.entry(Arc::clone(call)).or_insert_with(made))
    }

    /// Counts times by other bounds from now on, or by the usual ones.
    pub(super) fn count_by(&self, bounds: Option<&Bounds>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.bounds = bounds.cloned();
        counts.routes.values().flat_map(HashMap::values).for_each(|call| call.duration.count_by(bounds));
    }

    /// Forgets calls of a route that it has no more: `is_there` says which it has.
    pub(super) fn retain(&self, route: &str, is_there: impl Fn(&str) -> bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut counts.routes;
        if let Some(calls) = counts.get_mut(route) {
            calls.retain(|call, _| is_there(call));
            if calls.is_empty() {
                counts.remove(route);
            }
        }
    }
}
