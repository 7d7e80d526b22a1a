use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::config::OutlierDetection;
use super::outcome::{Outcome, count};
use super::statistics::{Sample, below_mean, failing};
use crate::endpoint::{EjectionReason, Endpoint, EndpointState, Monitor, millis};
use crate::set::EndpointSet;

/// What outlier detection has changed, or has found and left as it is, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EjectionChange {
    /// The endpoint is left out from now on.
    Ejected {
        /// Its index in the set.
        index: usize,
        /// Why.
        reason: EjectionReason,
    },
    /// The endpoint would be left out, were there not too many of them already.
    Withheld {
        /// Its index in the set.
        index: usize,
        /// Why it would be.
        reason: EjectionReason,
    },
    /// The endpoint is no longer left out.
    Returned {
        /// Its index in the set.
        index: usize,
    },
}

/// Outlier detection for one backend. Threads report what came of requests; one thread sweeps in each interval.
#[derive(Debug)]
pub struct Detector {
    config: OutlierDetection,
    /// Endpoints ejected. Written with the lock held.
    ejected: AtomicUsize,
    /// Held to decide, which is seldom; not to count.
    deciding: Mutex<()>,
}

impl Detector {
    /// A detector with a valid `config`. Endpoints that `set` has ejected already stay so until their time is over.
    #[must_use]
    pub fn new(config: OutlierDetection, set: &EndpointSet) -> Self {
        let detector = Self { config, ejected: AtomicUsize::new(0), deciding: Mutex::new(()) };
        detector.adopt(set);
        detector
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> &OutlierDetection {
        &self.config
    }

    /// How many endpoints are ejected.
    #[must_use]
    pub fn ejected(&self) -> usize {
        self.ejected.load(Ordering::Relaxed)
    }

    /// Call after the set was replaced: endpoints that left are not ejected any more.
    pub fn adopt(&self, set: &EndpointSet) {
        let _deciding = self.decide();
        self.count(set);
    }

    /// Takes note of what came of a request to the endpoint at `index`, and ejects it at once if that was one failure in a row
    /// too many.
    pub fn report(&self, set: &EndpointSet, index: usize, outcome: Outcome, now: Duration) -> Option<EjectionChange> {
        let state = set.state(index)?;
        let reason = count(&state.monitor, &self.config, outcome)?;
        if state.is_ejected() {
            return None;
        }
        // Without the lock: while much fails, this is said often.
        if !self.may_eject(set) {
            return Some(EjectionChange::Withheld { index, reason });
        }
        let _deciding = self.decide();
        self.eject(set, index, reason, now)
    }

    /// Call once in each interval: ends ejections whose time is over, then ejects who was worse than the others in it.
    pub fn sweep(&self, set: &EndpointSet, now: Duration) -> Vec<EjectionChange> {
        let _deciding = self.decide();
        self.count(set);
        let mut changes = Vec::new();
        for (index, endpoint) in set.endpoints().iter().enumerate() {
            changes.extend(self.revise(index, &endpoint.state, now));
        }
        self.judge(set, now, |monitor| monitor.external.take(), &mut changes);
        if self.config.split_local_origin {
            self.judge(set, now, |monitor| monitor.local.take(), &mut changes);
        }
        changes
    }

    /// How long an endpoint that is ejected stays so, to be rounded up to the next sweep; zero for any other.
    #[must_use]
    pub fn time_left(&self, state: &EndpointState, now: Duration) -> Duration {
        let Some(since) = state.ejected_since() else { return Duration::ZERO };
        let time = self.config.base_ejection_time.saturating_mul(state.ejections());
        time.min(self.config.max_ejection_time()).saturating_sub(now.saturating_sub(since))
    }

    /// An active check of the endpoint at `index` has passed, and by the verdict of its checks it is up.
    pub fn check_passed(&self, set: &EndpointSet, index: usize, now: Duration) -> Option<EjectionChange> {
        let state = set.state(index)?;
        if !self.config.uneject_on_passed_check || !state.is_ejected() || state.has_failed_check() {
            return None;
        }
        let _deciding = self.decide();
        self.release(index, state, now)
    }

    /// Ends all ejections: when outlier detection is turned off.
    pub fn release_all(&self, set: &EndpointSet, now: Duration) -> Vec<EjectionChange> {
        let _deciding = self.decide();
        let states = set.endpoints().iter().enumerate();
        states.filter_map(|(index, endpoint)| self.release(index, &endpoint.state, now)).collect()
    }

    fn decide(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, set: &EndpointSet) {
        let ejected = set.endpoints().iter().filter(|endpoint| endpoint.state.is_ejected()).count();
        self.ejected.store(ejected, Ordering::Relaxed);
    }

    fn may_eject(&self, set: &EndpointSet) -> bool {
        let ejected = self.ejected();
        (self.config.always_eject_one && ejected == 0)
            || 100 * (ejected + 1) <= self.config.max_ejection_percent as usize * set.len()
    }

    fn eject(&self, set: &EndpointSet, index: usize, reason: EjectionReason, now: Duration) -> Option<EjectionChange> {
        let state = set.state(index)?;
        if state.is_ejected() {
            return None;
        }
        if !self.may_eject(set) {
            return Some(EjectionChange::Withheld { index, reason });
        }
        let monitor = &state.monitor;
        monitor.ejected_at.store(millis(now), Ordering::Relaxed);
        monitor.reason.store(reason as u8, Ordering::Relaxed);
        let ejections = monitor.ejections();
        // Beyond the longest ejection, more of them would only take longer to be forgotten.
        let (base, max) = (self.config.base_ejection_time, self.config.max_ejection_time());
        if base.saturating_mul(ejections) < max.saturating_add(base) {
            monitor.ejections.store(ejections.saturating_add(1), Ordering::Relaxed);
        }
        state.set_ejected(true, now);
        self.ejected.fetch_add(1, Ordering::Relaxed);
        Some(EjectionChange::Ejected { index, reason })
    }

    fn revise(&self, index: usize, state: &EndpointState, now: Duration) -> Option<EjectionChange> {
        let ejections = state.monitor.ejections();
        if !state.is_ejected() {
            state.monitor.ejections.store(ejections.saturating_sub(1), Ordering::Relaxed);
            return None;
        }
        if self.time_left(state, now).is_zero() { self.release(index, state, now) } else { None }
    }

    fn release(&self, index: usize, state: &EndpointState, now: Duration) -> Option<EjectionChange> {
        if !state.set_ejected(false, now) {
            return None;
        }
        state.monitor.forgive();
        // Saturating: the set may be another than the one that was counted.
        let less = |ejected: usize| Some(ejected.saturating_sub(1));
        let _ = self.ejected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        Some(EjectionChange::Returned { index })
    }

    /// Compares what endpoints did in the interval that ends now.
    fn judge(
        &self,
        set: &EndpointSet,
        now: Duration,
        take: impl Fn(&Monitor) -> (u64, u64),
        changes: &mut Vec<EjectionChange>,
    ) {
        let sample = |(index, endpoint): (usize, &Endpoint)| {
            let (total, successes) = take(&endpoint.state.monitor);
            (!endpoint.state.is_ejected()).then_some(Sample { index, total, successes })
        };
        let samples: Vec<_> = set.endpoints().iter().enumerate().filter_map(sample).collect();
        if let Some(config) = self.config.success_rate {
            let worse = below_mean(&samples, set.len(), config).into_iter();
            changes.extend(worse.filter_map(|index| self.eject(set, index, EjectionReason::SuccessRate, now)));
        }
        if let Some(config) = self.config.failure_percentage {
            let worse = failing(&samples, set.len(), config).into_iter();
            changes.extend(worse.filter_map(|index| self.eject(set, index, EjectionReason::FailurePercentage, now)));
        }
    }
}
