//! What a request counts as, for as long as it does.

use std::rc::Rc;
use std::time::Duration;

use backstay_balancer::{ActiveRequest, EndpointState, Overflow, Permit};
use http::StatusCode;

use crate::trace::RequestTrace;
use crate::upstream::Upstream;
use backstay_upstream::SelectedEndpoint;

/// Counts a request as active at its backend.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) upstream: Rc<Upstream>,
}

impl Active {
    pub(super) fn count(upstream: Rc<Upstream>) -> Self {
        upstream.backend.metrics.active.increment();
        Self { upstream }
    }

    /// Counts what the client is told, `after` so long, with its `trace` if it is sampled.
    pub(super) fn answered(&self, status: StatusCode, after: Duration, trace: Option<&RequestTrace>) {
        let metrics = &self.upstream.backend.metrics;
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = metrics.requests.get(class) {
            counter.increment(1);
        }
        metrics.latency.record(after, trace.map(RequestTrace::ids));
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.upstream.backend.metrics.active.decrement();
    }
}

/// What a request counts as at its backend and endpoint, until its end.
#[derive(Debug, Default)]
pub(super) struct RequestGuard {
    pub(super) selected: Option<SelectedEndpoint>,
    /// Counted for as long as this lives; nobody reads them.
    _active: Option<ActiveRequest>,
    _request: Option<Permit>,
    pub(super) retry: Option<Permit>,
}

impl RequestGuard {
    /// Counts a request that has no connection yet, where the policy is to let none wait that is too many.
    pub(super) fn count_early(upstream: &Upstream) -> Result<Option<Permit>, Overflow> {
        let early = upstream.backend.policy.rejects_when_full;
        early.then(|| upstream.backend.breakers.request()).transpose()
    }

    /// Counts a request that goes to `selected`, unless it was counted `early`, or says which limit keeps it from being sent.
    pub(super) fn count(
        upstream: &Upstream,
        selected: Option<SelectedEndpoint>,
        early: Option<Permit>,
    ) -> Result<Self, Overflow> {
        let counts = upstream.backend.policy.counts_requests && early.is_none();
        let request = counts.then(|| upstream.backend.breakers.request()).transpose()?.or(early);
        let active = selected.as_ref().and_then(SelectedEndpoint::state).map(EndpointState::begin_request);
        Ok(Self { selected, _active: active, _request: request, retry: None })
    }
}
