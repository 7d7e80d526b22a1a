//! What is counted for the calls of compositions: it outlives every version of their route.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::counts::CallMetrics;

/// Counts by the names of a route and of a call. They go with the route.
#[derive(Debug, Default)]
pub(super) struct CallCounts(Mutex<HashMap<Arc<str>, HashMap<Arc<str>, Arc<CallMetrics>>>>);

impl CallCounts {
    /// What is counted for a call of a route, made when it is not there.
    pub(super) fn of(&self, route: &Arc<str>, call: &Arc<str>) -> Arc<CallMetrics> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = counts.entry(Arc::clone(route)).or_default();
        Arc::clone(calls.entry(Arc::clone(call)).or_default())
    }

    /// Forgets calls of a route that it has no more: `is_there` says which it has.
    pub(super) fn retain(&self, route: &str, is_there: impl Fn(&str) -> bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = counts.get_mut(route) {
            calls.retain(|call, _| is_there(call));
            if calls.is_empty() {
                counts.remove(route);
            }
        }
    }
}
