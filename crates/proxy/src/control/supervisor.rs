//! Looks after the endpoints of a backend.

use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::build_context::BuildContext;
use super::checks;
use backstay_upstream::{Backend, Discovery, uptime};

/// Looks after the endpoints of a backend until it is dropped.
#[derive(Debug)]
pub(super) struct EndpointSupervisor(Vec<AbortHandle>);

impl EndpointSupervisor {
    /// Does what the policy of `backend` asks for, if it asks for anything.
    pub(super) fn start(backend: &Arc<Backend>, context: &BuildContext) -> Option<Self> {
        let BuildContext { runtime, max_checks, .. } = context;
        let mut tasks = Vec::new();
        if backend.detector().is_some() {
            tasks.push(runtime.spawn(sweep(Arc::clone(backend))).abort_handle());
        } else {
            release(backend);
        }
        backend.last_errors().forget_checks();
        if backend.policy.health.is_empty() {
            acquit(backend);
        } else {
            tasks.push(runtime.spawn(checks::run(Arc::clone(backend), *max_checks)).abort_handle());
        }
        (!tasks.is_empty()).then_some(Self(tasks))
    }
}

impl Drop for EndpointSupervisor {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Compares endpoints with each other in each interval, and lets those return whose time is over.
async fn sweep(backend: Arc<Backend>) {
    let (Some(detector), Discovery::Addresses(list)) = (backend.detector(), &backend.discovery) else { return };
    let mut ticks = interval(detector.config().interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one comes at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let endpoints = list.load_full();
        for change in detector.sweep(endpoints.set(), uptime()) {
            backend.note(&endpoints, &change);
        }
    }
}

/// Nothing is checked: what earlier checks have found counts no more.
fn acquit(backend: &Backend) {
    let Discovery::Addresses(list) = &backend.discovery else { return };
    let endpoints = list.load_full();
    for state in (0..endpoints.len()).filter_map(|index| endpoints.set().state(index)) {
        state.set_failed_check(false, uptime());
        state.set_degraded(false, uptime());
    }
}

/// Outlier detection is off: whatever it has ejected before returns.
fn release(backend: &Backend) {
    let Discovery::Addresses(list) = &backend.discovery else { return };
    let endpoints = list.load_full();
    if (0..endpoints.len()).any(|index| endpoints.set().state(index).is_some_and(|state| state.is_ejected())) {
        backstay_balancer::Detector::new(backstay_balancer::OutlierDetection::default(), endpoints.set())
            .release_all(endpoints.set(), uptime());
    }
}
