//! Active checks of the endpoints of a backend, on the control thread.

mod probe;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backstay_balancer::{CheckResult, Checker, EndpointState, PastVerdict, Traffic};
use backstay_model::HealthCheck;
use futures::future::join_all;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use backstay_upstream::{Backend, Discovery, Endpoint, uptime};
use probe::Kept;

/// The time to the next check, up to a tenth less or more: proxies that were told of an endpoint in the same moment must not ask it
/// in the same moments ever after.
fn spread(time: Duration, random: u32) -> Duration {
    time.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
}

/// An endpoint's task, ended with this.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Checks the endpoints that `backend` has, whichever these are, `most` of them at once.
pub(super) async fn run(backend: Arc<Backend>, most: usize) {
    let Discovery::Addresses(list) = &backend.discovery else { return };
    let places = Arc::new(Semaphore::new(most));
    let mut running: HashMap<(IpAddr, Option<NonZeroU16>), Running> = HashMap::new();
    loop {
        let changed = list.changed();
        tokio::pin!(changed);
        // From here on no change is missed.
        changed.as_mut().enable();
        let endpoints = list.load_full();
        let key = |endpoint: &Endpoint| (endpoint.address, endpoint.port);
        running.retain(|known, _| {
            let stays = endpoints.iter().any(|endpoint| key(endpoint) == *known);
            if !stays {
                backend.last_errors().forget(*known);
            }
            stays
        });
        for (index, endpoint) in endpoints.iter().enumerate() {
            let Some(state) = endpoints.set().state(index) else { continue };
            running.entry(key(endpoint)).or_insert_with(|| {
                let subject = Subject {
                    backend: Arc::clone(&backend),
                    endpoint: endpoint.clone(),
                    state: Arc::clone(state),
                    places: Arc::clone(&places),
                    down: AtomicU32::new(0),
                };
                Running(tokio::spawn(subject.check()).abort_handle())
            });
        }
        changed.await;
    }
}

/// An endpoint that is checked.
struct Subject {
    backend: Arc<Backend>,
    endpoint: Endpoint,
    state: Arc<EndpointState>,
    places: Arc<Semaphore>,
    /// Checks by which it is down, a bit for each.
    down: AtomicU32,
}

impl Subject {
    async fn check(self) {
        let up = !self.state.has_failed_check();
        let checks = self.backend.policy.health.iter().zip(0..);
        let checkers: Vec<_> = checks
            .map(|(check, index)| {
                // An edit of the checks does not take an endpoint out of use.
                let checker = if up {
                    Checker::resuming(check.checks.clone(), PastVerdict::Up)
                } else {
                    Checker::new(check.checks.clone())
                };
                self.note(index, checker.is_healthy());
                (check, index, checker)
            })
            .collect();
        self.judge();
        join_all(checkers.into_iter().map(|(check, index, checker)| self.repeat(check, index, checker))).await;
    }

    async fn repeat(&self, check: &HealthCheck, index: u32, mut checker: Checker) {
        let mut own_failures = self.state.own_failures();
        let mut kept = Kept::default();
        loop {
            let Some(address) = self.address(check) else {
                // No route leads here: nothing that is asked for depends on this.
                self.backend.checkable().await;
                continue;
            };
            let result = {
                let Some(_place) = self.place().await else { return };
                self.backend.metrics.health_checks.attempts.increment(1);
                let work = probe::ask(&self.backend, &self.endpoint, address, &check.probe, &mut kept);
                match timeout(check.timeout, work).await {
                    Ok(Ok(found)) => found,
                    Ok(Err(error)) => probe::Found::failed(error.to_string()),
                    Err(_) => probe::Found::failed(format!("no answer within {:?}", check.timeout)),
                }
            };
            let counts = &self.backend.metrics.health_checks;
            match result.result {
                CheckResult::Passed => counts.passed.increment(1),
                CheckResult::Refused => counts.refused.increment(1),
                CheckResult::Failed => counts.failed.increment(1),
            }
            let failure = result.failure.as_deref();
            if let Some(failure) = failure {
                tracing::debug!(backend = %self.backend.name, %address, failure, "a health check failed");
            }
            self.backend.last_errors().checked((self.endpoint.address, self.endpoint.port), index, failure);
            if result.result == CheckResult::Passed {
                self.state.set_degraded(result.degraded, uptime());
            }
            let said = self.state.own_failures();
            if std::mem::replace(&mut own_failures, said) != said && checker.fail() {
                tracing::info!(backend = %self.backend.name, %address, "an endpoint says that it is down");
            }
            let verdict = checker.record(result.result, self.traffic());
            self.note(index, verdict.healthy);
            self.judge();
            if self.state.own_failures() != own_failures {
                // Said while this was judged, which may have taken it back.
                self.state.set_failed_check(true, uptime());
            }
            if verdict.changed {
                let healthy = verdict.healthy;
                tracing::info!(
                    backend = %self.backend.name, %address, healthy, failure, "health checks have changed their verdict"
                );
            }
            sleep(spread(verdict.next_in, rand::random())).await;
        }
    }

    /// The right to begin a check. `None` when checks end.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        self.backend.metrics.health_checks.delayed.increment(1);
        self.places.acquire().await.ok()
    }

    fn address(&self, check: &HealthCheck) -> Option<SocketAddr> {
        let port = check.port.or(self.endpoint.port).or_else(|| self.backend.traffic_port())?;
        Some(SocketAddr::new(self.endpoint.address, port.get()))
    }

    fn traffic(&self) -> Traffic {
        let Discovery::Addresses(list) = &self.backend.discovery else { return Traffic::Some };
        let endpoints = list.load();
        let mut states = (0..endpoints.len()).filter_map(|index| endpoints.set().state(index));
        if states.any(|state| state.requests() > 0) { Traffic::Some } else { Traffic::None }
    }

    fn note(&self, index: u32, healthy: bool) {
        if healthy {
            self.down.fetch_and(!(1 << index), Ordering::Relaxed);
        } else {
            self.down.fetch_or(1 << index, Ordering::Relaxed);
        }
    }

    fn judge(&self) {
        let down = self.down.load(Ordering::Relaxed) != 0;
        self.state.set_failed_check(down, uptime());
        if down {
            return;
        }
        if let (Some(detector), Discovery::Addresses(list)) = (self.backend.detector(), &self.backend.discovery) {
            let endpoints = list.load_full();
            let here = |state: &Arc<EndpointState>| Arc::ptr_eq(state, &self.state);
            if let Some(index) = (0..endpoints.len()).find(|index| endpoints.set().state(*index).is_some_and(here)) {
                detector.check_passed(endpoints.set(), index, uptime());
            }
        }
    }
}

#[cfg(test)]
mod tests;
