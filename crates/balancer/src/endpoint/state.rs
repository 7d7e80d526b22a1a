use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::monitor::{EjectionReason, Monitor};
use super::spec::Start;

const FAILED_CHECK: u32 = 1;
const EJECTED: u32 = 2;
const SAID_DEGRADED: u32 = 4;
const UNHEALTHY: u32 = FAILED_CHECK | EJECTED;

/// Health of an endpoint, all that is known of it taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Used.
    Healthy,
    /// Used when there are not enough healthy ones.
    Degraded,
    /// Not used except in panic.
    Unhealthy,
}

/// What is known of one endpoint, shared by all threads. With the counts of the [`Arc`] around it, it takes two cache lines, and all of
/// them, so that threads that use different endpoints do not slow each other down. An alignment would make it four.
#[derive(Debug)]
pub struct EndpointState {
    active_requests: AtomicU32,
    connections: AtomicU32,
    /// Connections that carry no request, where connections to one endpoint are limited.
    idle: AtomicU32,
    /// Requests that wait for a connection because there are as many as there may be to one endpoint.
    awaited: AtomicU32,
    requests: AtomicU64,
    pub(crate) monitor: Monitor,
    flags: AtomicU32,
    /// When it last became usable, in milliseconds.
    began: AtomicU64,
    generation: Arc<AtomicU64>,
    /// How often it has said that it is down.
    own_failures: AtomicU32,
}

impl EndpointState {
    pub(crate) fn new(generation: Arc<AtomicU64>, start: Start, now: Duration) -> Self {
        let flags = match start {
            Start::Usable => 0,
            Start::AwaitCheck => FAILED_CHECK,
        };
        Self {
            active_requests: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            idle: AtomicU32::new(0),
            awaited: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            monitor: Monitor::default(),
            flags: AtomicU32::new(flags),
            began: AtomicU64::new(millis(now)),
            generation,
            own_failures: AtomicU32::new(0),
        }
    }

    /// An endpoint that is in no set: only what is under way at it is counted.
    #[must_use]
    pub fn unlisted() -> Arc<Self> {
        Arc::new(Self::new(Arc::default(), Start::Usable, Duration::ZERO))
    }

    /// Requests under way.
    #[must_use]
    pub fn active_requests(&self) -> u32 {
        self.active_requests.load(Ordering::Relaxed)
    }

    /// Requests ever begun.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Connections open, as permits of [`Breakers`](crate::Breakers) count them.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) const fn connection_count(&self) -> &AtomicU32 {
        &self.connections
    }

    pub(crate) const fn idle_count(&self) -> &AtomicU32 {
        &self.idle
    }

    pub(crate) const fn awaited_count(&self) -> &AtomicU32 {
        &self.awaited
    }

    /// Requests that wait until there may be another connection to this endpoint.
    pub(crate) fn awaited(&self) -> u32 {
        self.awaited.load(Ordering::SeqCst)
    }

    /// Counts a request as under way until the answer is dropped.
    #[must_use]
    pub fn begin_request(self: &Arc<Self>) -> ActiveRequest {
        self.active_requests.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        ActiveRequest(Arc::clone(self))
    }

    /// What is known of its health, the user's word not included.
    #[must_use]
    pub fn health(&self) -> Health {
        let flags = self.flags.load(Ordering::Acquire);
        if flags & UNHEALTHY != 0 {
            Health::Unhealthy
        } else if flags & SAID_DEGRADED != 0 {
            Health::Degraded
        } else {
            Health::Healthy
        }
    }

    /// Whether active checks say that it is down, or have not said yet that it is up.
    #[must_use]
    pub fn has_failed_check(&self) -> bool {
        self.flags.load(Ordering::Acquire) & FAILED_CHECK != 0
    }

    /// Whether outlier detection has ejected it.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        self.flags.load(Ordering::Acquire) & EJECTED != 0
    }

    /// Whether its active checks are answered with the note that it is degraded.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.flags.load(Ordering::Acquire) & SAID_DEGRADED != 0
    }

    /// Ejections in a row, as outlier detection counts them: each makes the next one longer, and each interval without one
    /// takes one back.
    #[must_use]
    pub fn ejections(&self) -> u32 {
        self.monitor.ejections()
    }

    /// When it was ejected, if it is.
    #[must_use]
    pub fn ejected_since(&self) -> Option<Duration> {
        self.is_ejected().then(|| self.monitor.ejected_at())
    }

    /// Why it was ejected, if it is.
    #[must_use]
    pub fn ejection_reason(&self) -> Option<EjectionReason> {
        self.is_ejected().then(|| self.monitor.reason()).flatten()
    }

    /// The verdict of active checks. Returns whether it changed anything.
    pub fn set_failed_check(&self, failed: bool, now: Duration) -> bool {
        self.set(FAILED_CHECK, failed, now)
    }

    /// The endpoint has said outside of any check that it is down (`x-envoy-immediate-health-check-fail`). For endpoints with
    /// active checks, which tell when it is up again: see [`Checker::fail`](crate::Checker::fail).
    pub fn fail_by_itself(&self, now: Duration) {
        self.own_failures.fetch_add(1, Ordering::Release);
        self.set_failed_check(true, now);
    }

    /// How often it has said that it is down.
    #[must_use]
    pub fn own_failures(&self) -> u32 {
        self.own_failures.load(Ordering::Acquire)
    }

    /// Whether its active checks are answered with the note that it is degraded (`x-envoy-degraded`). Returns whether that
    /// changed anything.
    pub fn set_degraded(&self, degraded: bool, now: Duration) -> bool {
        self.set(SAID_DEGRADED, degraded, now)
    }

    pub(crate) fn set_ejected(&self, ejected: bool, now: Duration) -> bool {
        self.set(EJECTED, ejected, now)
    }

    fn set(&self, flag: u32, on: bool, now: Duration) -> bool {
        let before = if on {
            self.flags.fetch_or(flag, Ordering::AcqRel)
        } else {
            self.flags.fetch_and(!flag, Ordering::AcqRel)
        };
        let changed = (before & flag != 0) != on;
        if changed {
            if before & UNHEALTHY != 0 && (before & !flag) & UNHEALTHY == 0 && !on {
                self.began.store(millis(now), Ordering::Relaxed);
            }
            // After the flag: a thread that reads the new number sees the flag.
            self.generation.fetch_add(1, Ordering::Release);
        }
        changed
    }

    /// How long it has been usable.
    pub(crate) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.began.load(Ordering::Relaxed)))
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A request under way at an endpoint; dropped, it is no longer.
#[derive(Debug)]
pub struct ActiveRequest(Arc<EndpointState>);

impl ActiveRequest {
    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<EndpointState> {
        &self.0
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.active_requests.fetch_sub(1, Ordering::Relaxed);
    }
}
