use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::limits::{Limit, Limits, Overflow, RetryBudget};
use crate::endpoint::EndpointState;

/// Stands for no limit.
const NONE: u32 = u32::MAX;

/// Counts what is under way at a backend, over all threads, and refuses what would exceed its limits. Unlike Envoy's, the
/// counts are exact: threads cannot exceed a limit together.
#[derive(Debug)]
pub struct Breakers {
    gates: [Gate; Limit::COUNT],
    /// Bits of the percentage; not a number without a budget.
    budget: AtomicU64,
    budget_minimum: AtomicU32,
    budget_overflows: AtomicU64,
}

/// A count and its limit, on a cache line of their own.
#[derive(Debug)]
#[repr(align(128))]
struct Gate {
    active: AtomicU32,
    limit: AtomicU32,
    overflows: AtomicU64,
}

/// Which of a pool's connections is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolConnection {
    /// The pool has no connection yet.
    First,
    /// The pool has connections.
    Further,
}

impl Breakers {
    /// Nothing under way.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        let gate = || Gate { active: AtomicU32::new(0), limit: AtomicU32::new(NONE), overflows: AtomicU64::new(0) };
        let breakers = Self {
            gates: std::array::from_fn(|_| gate()),
            budget: AtomicU64::new(0),
            budget_minimum: AtomicU32::new(0),
            budget_overflows: AtomicU64::new(0),
        };
        breakers.set_limits(limits);
        Arc::new(breakers)
    }

    /// From now on, these limits hold. What is under way stays, even beyond them.
    pub fn set_limits(&self, limits: &Limits) {
        let set = |limit: Limit, to: Option<u32>| {
            self.gate(limit).limit.store(to.unwrap_or(NONE), Ordering::Relaxed);
        };
        set(Limit::Connections, limits.connections);
        set(Limit::PendingRequests, limits.pending_requests);
        set(Limit::Requests, limits.requests);
        set(Limit::Retries, limits.retries);
        set(Limit::EndpointConnections, limits.connections_per_endpoint);
        let (percent, minimum) = match &limits.retry_budget {
            Some(RetryBudget { percent, minimum }) if percent.is_nan() => (0.0, *minimum),
            Some(RetryBudget { percent, minimum }) => (percent.clamp(0.0, 100.0), *minimum),
            None => (f64::NAN, 0),
        };
        self.budget_minimum.store(minimum, Ordering::Relaxed);
        self.budget.store(percent.to_bits(), Ordering::Relaxed);
    }

    /// Lets a request wait for a connection.
    ///
    /// # Errors
    /// [`Overflow::PendingRequests`].
    pub fn pending_request(self: &Arc<Self>) -> Result<Permit, Overflow> {
        self.permit(Limit::PendingRequests)
    }

    /// Lets a request begin.
    ///
    /// # Errors
    /// [`Overflow::Requests`].
    pub fn request(self: &Arc<Self>) -> Result<Permit, Overflow> {
        self.permit(Limit::Requests)
    }

    /// Lets a retry begin; the permit is held until the retry ends.
    ///
    /// # Errors
    /// [`Overflow::RetryBudget`] where there is a budget, else [`Overflow::Retries`].
    pub fn retry(self: &Arc<Self>) -> Result<Permit, Overflow> {
        self.permit(if self.budget().is_some() { Limit::RetryBudget } else { Limit::Retries })
    }

    /// Lets a connection to `endpoint` be opened; the permit is held until it is closed. The first one of a pool is always let
    /// through, or requests would wait for a connection that nobody may open.
    ///
    /// # Errors
    /// [`Overflow::EndpointConnections`], [`Overflow::Connections`].
    pub fn connection(
        self: &Arc<Self>,
        endpoint: &Arc<EndpointState>,
        connection: PoolConnection,
    ) -> Result<Permit, Overflow> {
        let first = connection == PoolConnection::First;
        let own = self.gate(Limit::EndpointConnections);
        let most = if first { NONE } else { own.limit.load(Ordering::Relaxed) };
        if !enter(endpoint.connection_count(), most) {
            own.overflows.fetch_add(1, Ordering::Relaxed);
            return Err(Overflow::EndpointConnections);
        }
        let gate = self.gate(Limit::Connections);
        let most = if first { NONE } else { gate.limit.load(Ordering::Relaxed) };
        if !enter(&gate.active, most) {
            endpoint.connection_count().fetch_sub(1, Ordering::Relaxed);
            gate.overflows.fetch_add(1, Ordering::Relaxed);
            return Err(Overflow::Connections);
        }
        Ok(Permit { breakers: Arc::clone(self), limit: Limit::Connections, endpoint: Some(Arc::clone(endpoint)) })
    }

    /// What is under way. Connections of single endpoints are counted [there](EndpointState::connections).
    #[must_use]
    pub fn active(&self, limit: Limit) -> u32 {
        self.gate(limit).active.load(Ordering::Relaxed)
    }

    /// How often the limit was reached.
    #[must_use]
    pub fn overflows(&self, limit: Limit) -> u64 {
        self.overflow_count(limit).load(Ordering::Relaxed)
    }

    /// What may be under way at this moment; none if there is no limit. A retry budget moves with the requests, and takes the
    /// place of the limit on retries.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> Option<u32> {
        let budget = self.budget();
        if (limit == Limit::Retries && budget.is_some()) || (limit == Limit::RetryBudget && budget.is_none()) {
            return None;
        }
        let most = self.most(limit);
        (most != NONE).then_some(most)
    }

    /// The percentage, if there is a budget.
    fn budget(&self) -> Option<f64> {
        let percent = f64::from_bits(self.budget.load(Ordering::Relaxed));
        (!percent.is_nan()).then_some(percent)
    }

    fn most(&self, limit: Limit) -> u32 {
        if limit == Limit::RetryBudget
            && let Some(percent) = self.budget()
        {
            let requests = u64::from(self.active(Limit::Requests)) + u64::from(self.active(Limit::PendingRequests));
            let share = (percent / 100.0 * requests as f64) as u32;
            return share.max(self.budget_minimum.load(Ordering::Relaxed));
        }
        self.gate(limit).limit.load(Ordering::Relaxed)
    }

    fn permit(self: &Arc<Self>, limit: Limit) -> Result<Permit, Overflow> {
        if enter(&self.gate(limit).active, self.most(limit)) {
            Ok(Permit { breakers: Arc::clone(self), limit, endpoint: None })
        } else {
            self.overflow_count(limit).fetch_add(1, Ordering::Relaxed);
            Err(limit.into())
        }
    }

    const fn overflow_count(&self, limit: Limit) -> &AtomicU64 {
        match limit {
            Limit::RetryBudget => &self.budget_overflows,
            _ => &self.gate(limit).overflows,
        }
    }

    const fn gate(&self, limit: Limit) -> &Gate {
        &self.gates[limit.place()]
    }
}

/// Counts one more, unless there are as many as there may be.
fn enter(active: &AtomicU32, most: u32) -> bool {
    if most == NONE {
        active.fetch_add(1, Ordering::Relaxed);
        return true;
    }
    active.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |active| (active < most).then_some(active + 1)).is_ok()
}

/// Something under way, counted until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    breakers: Arc<Breakers>,
    limit: Limit,
    endpoint: Option<Arc<EndpointState>>,
}

impl Permit {
    /// The limit that the permit counts against.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.breakers.gate(self.limit).active.fetch_sub(1, Ordering::Relaxed);
        if let Some(endpoint) = &self.endpoint {
            endpoint.connection_count().fetch_sub(1, Ordering::Relaxed);
        }
    }
}
