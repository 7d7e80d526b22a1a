use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::limits::{Limit, Limits, Overflow, RetryBudget};
use super::share::Shares;
use crate::endpoint::EndpointState;

/// Stands for no limit.
pub(super) const NONE: u32 = u32::MAX;

/// Counts what is under way at a backend, over all threads, and refuses what would exceed its limits. Unlike Envoy's, the
/// counts are exact: threads cannot exceed a limit together. There is not a cache line for each count, which took 900 bytes of every
/// backend: who takes one of them mostly takes the others.
#[derive(Debug)]
pub struct Breakers {
    gates: [Gate; Limit::COUNT],
    /// Bits of the percentage; not a number without a budget.
    budget: AtomicU64,
    budget_minimum: AtomicU32,
    budget_overflows: AtomicU64,
    /// Requests that wait for a connection that is being opened for them: among those that wait, but held by the limit on
    /// connections and not by theirs.
    opening: AtomicU32,
    pub(super) shares: Shares,
}

/// A count and its limit.
#[derive(Debug)]
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
            opening: AtomicU32::new(0),
            shares: Shares::default(),
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
        // There may be room now for who waits.
        self.shares.ring_waiting();
    }

    /// Lets a request wait for a connection that others have.
    ///
    /// # Errors
    /// [`Overflow::PendingRequests`].
    pub fn pending_request(self: &Arc<Self>) -> Result<Permit, Overflow> {
        self.permit(Limit::PendingRequests)
    }

    /// The same, where `spare` more connections will be there for requests that wait than there are now.
    pub(super) fn pending_request_beside(self: &Arc<Self>, spare: impl FnOnce() -> u32) -> Result<Permit, Overflow> {
        let limit = Limit::PendingRequests;
        let (active, most) = (&self.gate(limit).active, self.most(limit));
        // Where nobody may wait, nobody may.
        let entered = enter(active, most) || most > 0 && enter(active, most.saturating_add(spare()));
        if entered { Ok(self.held(limit)) } else { Err(self.overflow(limit)) }
    }

    /// Lets a request wait for a connection that is being opened for it. It counts among those that wait, but only the limit on
    /// connections bounds it: a request does not take up both limits.
    ///
    /// # Errors
    /// [`Overflow::PendingRequests`], where no request may wait at all.
    pub fn opening_request(self: &Arc<Self>) -> Result<Permit, Overflow> {
        let limit = Limit::PendingRequests;
        if self.most(limit) == 0 {
            return Err(self.overflow(limit));
        }
        self.opening.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { breakers: Arc::clone(self), counts: Counts::Opening })
    }

    /// Lets a request wait that the limit has let in already.
    pub fn pending_request_again(self: &Arc<Self>) -> Permit {
        enter(&self.gate(Limit::PendingRequests).active, NONE);
        self.held(Limit::PendingRequests)
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
        self.connection_again(endpoint, connection).inspect_err(|overflow| {
            let limit = match overflow {
                Overflow::EndpointConnections => Limit::EndpointConnections,
                _ => Limit::Connections,
            };
            self.overflow(limit);
        })
    }

    /// The same for a request that waits since this failed: it is counted as kept from beginning only once.
    ///
    /// # Errors
    /// As [`Self::connection`].
    pub fn connection_again(
        self: &Arc<Self>,
        endpoint: &Arc<EndpointState>,
        connection: PoolConnection,
    ) -> Result<Permit, Overflow> {
        let most = |limit| match connection {
            PoolConnection::First => NONE,
            PoolConnection::Further => self.gate(limit).limit.load(Ordering::Relaxed),
        };
        let (own, all) = (most(Limit::EndpointConnections), most(Limit::Connections));
        // Looked at before anything is counted: what is counted for a moment only may be in the way of others, and they have to
        // be told. That is so only where another has been faster.
        let is_full = |active: &AtomicU32, most| most != NONE && active.load(Ordering::SeqCst) >= most;
        let gate = &self.gate(Limit::Connections).active;
        if !is_full(endpoint.connection_count(), own) && is_full(gate, all) {
            return Err(Overflow::Connections);
        }
        if !enter(endpoint.connection_count(), own) {
            return Err(Overflow::EndpointConnections);
        }
        if !enter(gate, all) {
            endpoint.connection_count().fetch_sub(1, Ordering::SeqCst);
            if endpoint.awaited() > 0 {
                self.shares.ring_waiting();
            }
            return Err(Overflow::Connections);
        }
        Ok(Permit { breakers: Arc::clone(self), counts: Counts::Connection(Arc::clone(endpoint)) })
    }

    /// What is under way. Connections of single endpoints are counted [there](EndpointState::connections).
    #[must_use]
    pub fn active(&self, limit: Limit) -> u32 {
        let active = self.gate(limit).active.load(Ordering::SeqCst);
        match limit {
            Limit::PendingRequests => active.saturating_add(self.opening.load(Ordering::Relaxed)),
            _ => active,
        }
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

    /// Whether connections to one endpoint are limited.
    pub(super) fn limits_endpoints(&self) -> bool {
        self.gate(Limit::EndpointConnections).limit.load(Ordering::Relaxed) != NONE
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
        if enter(&self.gate(limit).active, self.most(limit)) { Ok(self.held(limit)) } else { Err(self.overflow(limit)) }
    }

    fn held(self: &Arc<Self>, limit: Limit) -> Permit {
        Permit { breakers: Arc::clone(self), counts: Counts::One(limit) }
    }

    /// Counts that the limit was reached.
    fn overflow(&self, limit: Limit) -> Overflow {
        self.overflow_count(limit).fetch_add(1, Ordering::Relaxed);
        limit.into()
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
        active.fetch_add(1, Ordering::SeqCst);
        return true;
    }
    // Who fails says that it waits and looks again, who leaves looks whether anyone waits: one of them sees the other.
    active.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |active| (active < most).then_some(active + 1)).is_ok()
}

/// Something under way, counted until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    breakers: Arc<Breakers>,
    counts: Counts,
}

#[derive(Debug)]
enum Counts {
    One(Limit),
    /// A request whose connection is being opened.
    Opening,
    Connection(Arc<EndpointState>),
}

impl Permit {
    /// The limit that the permit counts against.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        match &self.counts {
            Counts::One(limit) => *limit,
            Counts::Opening => Limit::PendingRequests,
            Counts::Connection(_) => Limit::Connections,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let breakers = &self.breakers;
        match &self.counts {
            Counts::One(limit) => {
                breakers.gate(*limit).active.fetch_sub(1, Ordering::Relaxed);
            }
            Counts::Opening => {
                breakers.opening.fetch_sub(1, Ordering::Relaxed);
            }
            Counts::Connection(endpoint) => {
                breakers.gate(Limit::Connections).active.fetch_sub(1, Ordering::SeqCst);
                endpoint.connection_count().fetch_sub(1, Ordering::SeqCst);
                if breakers.shares.awaited() > 0 || endpoint.awaited() > 0 {
                    breakers.shares.ring_waiting();
                }
            }
        }
    }
}
