//! What a fleet says that its proxies tell.

use backstay_model::{Fault, Telemetry};
use backstay_upstream::counts::Bounds;

use super::{Arrival, Model, Response};

impl Response<'_> {
    /// What the fleet says is in force with the requests that begin from now on.
    pub(super) fn telemetry(&mut self, arrivals: Vec<Arrival<Box<Telemetry>>>) {
        for arrival in arrivals {
            if self.model.telemetry.keys().any(|other| *other != arrival.name) {
                let fault = Fault::new("", "a fleet says once what its proxies tell, and this is the second time");
                self.reject(arrival.name, arrival.version, fault.into());
                continue;
            }
            let (name, accepted) = arrival.accept(|_, telemetry| telemetry);
            self.clear_rejection(&name);
            self.model.telemetry.insert(name, accepted);
            self.dirty.telemetry = true;
        }
        if self.dirty.telemetry {
            let fleet = self.model.telemetry.values().next().map(|accepted| &*accepted.item);
            let bounds = fleet.and_then(|fleet| fleet.metrics.as_ref()).and_then(|metrics| metrics.bounds.clone());
            if let Some(log) = &self.model.log {
                log.follow(fleet.and_then(|fleet| fleet.access_log.as_ref()));
            }
            if let Some(traces) = &self.model.traces {
                traces.follow(fleet);
            }
            self.model.count_by(bounds.as_ref());
        }
    }
}

impl Model {
    /// Counts times by other bounds from now on, or by the usual ones.
    fn count_by(&mut self, bounds: Option<&Bounds>) {
        if self.context.bounds.as_ref() == bounds {
            return;
        }
        self.context.bounds = bounds.cloned();
        self.backends.values().for_each(|accepted| accepted.item.metrics.count_by(bounds));
        self.calls.count_by(bounds);
    }
}
