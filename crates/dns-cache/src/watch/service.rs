//! The servers of a service, by its SRV records (RFC 2782).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwap;
use futures::FutureExt;
use futures::future::{join_all, select_all};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Names;
use super::known::{Doubt, Known};
use super::name::{Status, WatchSettings, Watched, WatchedView, backoff};
use crate::resolve::{Resolve, ServiceAnswer, ServiceRecord};

#[cfg(test)]
mod tests;

/// The servers of one service, for as long as anyone holds it: its SRV records, and the addresses of their targets.
#[derive(Debug)]
pub struct WatchedService {
    name: Arc<str>,
    members: ArcSwap<Known<Member>>,
    status: Mutex<Status>,
    news: Notify,
    task: OnceLock<AbortHandle>,
}

/// One address of one server of a service.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Member {
    /// Rank of the record's priority among those of the service: 0, 1, and so on without gaps. 0 comes first.
    pub priority: u32,
    /// Name of the server.
    pub target: Arc<str>,
    /// One of its addresses.
    pub address: IpAddr,
    /// Its port. Not 0.
    pub port: u16,
    /// Weight of the record, each address of the server having it. 0, which means next to nothing, is 1.
    pub weight: u32,
    /// Since when the address is in doubt. That the record is, is said of all together.
    pub doubt: Doubt,
}

impl WatchedService {
    pub(super) fn start(names: &Names, name: &Arc<str>) -> Arc<Self> {
        let service = Arc::new(Self {
            name: Arc::clone(name),
            members: ArcSwap::default(),
            status: Mutex::default(),
            news: Notify::new(),
            task: OnceLock::new(),
        });
        let follow = Follow {
            service: Arc::downgrade(&service),
            name: Arc::clone(name),
            resolver: Arc::clone(&names.shared.resolver),
            settings: names.shared.settings.clone(),
            names: names.clone(),
        };
        // Set once, here.
        let _ = service.task.set(names.shared.runtime.spawn(follow.run()).abort_handle());
        service
    }

    /// The name of the service, in lower case and without a trailing dot.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The servers last learned. Empty until some are; what was learned stays when later lookups bring none, and is in doubt.
    #[must_use]
    pub fn members(&self) -> Arc<Known<Member>> {
        self.members.load_full()
    }

    /// Waits until the records, and the addresses of all they name, were asked for once, whatever came of it. Bounded by twice
    /// the query timeout.
    pub async fn ready(&self) {
        self.wait(|| self.is_ready()).await;
    }

    /// Whether the records, and the addresses of all they name, were asked for once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status().over
    }

    /// Waits until the servers, or the doubt in them, are other than `seen`, which came from [`members`](Self::members).
    pub async fn changed(&self, seen: &Arc<Known<Member>>) {
        self.wait(|| !Arc::ptr_eq(&self.members.load(), seen)).await;
    }

    async fn wait(&self, is_so: impl Fn() -> bool) {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Before the look, or a notice between the two would be missed.
            news.as_mut().enable();
            if is_so() {
                return;
            }
            news.await;
        }
    }

    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> WatchedView {
        let addresses: BTreeSet<IpAddr> = self.members().iter().map(|member| member.address).collect();
        self.status().view(&self.name, addresses.into_iter().collect())
    }
}

impl Drop for WatchedService {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// What keeps a service up to date.
struct Follow {
    service: Weak<WatchedService>,
    name: Arc<str>,
    resolver: Arc<dyn Resolve>,
    settings: WatchSettings,
    names: Names,
}

impl Follow {
    async fn run(self) {
        let mut targets: Vec<(ServiceRecord, Arc<Watched>)> = Vec::new();
        let mut failures = 0;
        let mut doubt = Doubt::default();
        let counts = Arc::clone(&self.names.shared.counts);
        loop {
            let lookup = AssertUnwindSafe(self.resolver.services(Arc::clone(&self.name))).catch_unwind();
            let answer = match tokio::time::timeout(self.settings.query_timeout, lookup).await {
                Ok(answer) => answer.unwrap_or_else(|_| ServiceAnswer::Failed("resolver_error".into())),
                Err(_) => {
                    counts.timeouts.increment();
                    ServiceAnswer::Failed("resolve_timeout".into())
                }
            };
            counts.lookups.increment();
            if !matches!(answer, ServiceAnswer::Records(..)) {
                counts.failures.increment();
            }
            let (wait, error) = match answer {
                ServiceAnswer::Records(mut records, ttl) => {
                    failures = 0;
                    doubt = Doubt::default();
                    records.sort_unstable();
                    records.dedup();
                    let watch = |record: ServiceRecord| Some((record.clone(), self.names.watch(&record.target)?));
                    // Those that stay are watched without a gap: the old ones are dropped after the new ones are there.
                    targets = records.into_iter().filter_map(watch).collect();
                    (ttl.clamp(self.settings.min_refresh, self.settings.longest()), None)
                }
                ServiceAnswer::Empty(reason) => {
                    doubt = doubt.absent(Instant::now());
                    (backoff(&self.settings, &mut failures), Some(reason))
                }
                ServiceAnswer::Failed(reason) => {
                    doubt = doubt.failed(Instant::now());
                    (backoff(&self.settings, &mut failures), Some(reason))
                }
            };
            let next = Instant::now() + wait;
            join_all(targets.iter().map(|(_, target)| target.ready())).await;
            {
                let Some(service) = self.service.upgrade() else {
                    return;
                };
                // Whoever is told that it is ready finds its servers.
                service.publish(&targets, doubt);
                let mut status = service.status();
                if let Some(reason) = error.as_ref().filter(|reason| status.last_error.as_ref() != Some(*reason)) {
                    let known = targets.len();
                    tracing::warn!(name = %self.name, %reason, known, "the servers of a service were not resolved");
                }
                status.last_error = error;
                status.over = true;
                status.next = Some(next);
                drop(status);
                service.news.notify_waiters();
            }
            // Until the records are due, their targets' addresses change on their own.
            let due = tokio::time::sleep_until(next);
            tokio::pin!(due);
            loop {
                let seen: Vec<_> = targets.iter().map(|(_, target)| (target, target.addresses())).collect();
                let Some(service) = self.service.upgrade() else {
                    return;
                };
                service.publish(&targets, doubt);
                drop(service);
                if seen.is_empty() {
                    due.as_mut().await;
                    break;
                }
                let changes = select_all(seen.iter().map(|(target, addresses)| Box::pin(target.changed(addresses))));
                tokio::select! {
                    () = due.as_mut() => break,
                    _ = changes => {}
                }
            }
            if let Some(service) = self.service.upgrade() {
                service.status().next = None;
            }
        }
    }
}

impl WatchedService {
    fn publish(&self, targets: &[(ServiceRecord, Arc<Watched>)], doubt: Doubt) {
        let ranks: BTreeSet<u16> = targets.iter().map(|(record, _)| record.priority).collect();
        let mut members = Vec::new();
        for (record, target) in targets {
            let priority = ranks.iter().take_while(|rank| **rank < record.priority).count();
            let addresses = target.addresses();
            members.extend(addresses.iter().map(|address| Member {
                priority: u32::try_from(priority).unwrap_or(u32::MAX),
                target: Arc::clone(&record.target),
                address: *address,
                port: record.port,
                weight: u32::from(record.weight).max(1),
                doubt: addresses.doubt(),
            }));
        }
        members.sort_unstable();
        // Of a service of which nothing is known there is nothing to doubt.
        let doubt = if members.is_empty() { Doubt::default() } else { doubt };
        let known = Known::new(members, doubt);
        if **self.members.load() != known {
            self.members.store(Arc::new(known));
        }
        self.news.notify_waiters();
    }
}
