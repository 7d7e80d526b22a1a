//! One watched name: its addresses, and the task that keeps them up to date.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::family::{Family, resolve_family};
use crate::resolve::{Answer, Resolve};
use crate::stats::NameCounts;
use crate::watch::known::{Doubt, Known};

/// How watched names are resolved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchSettings {
    /// Families asked for. Default IPv4, and IPv6 only for names that have no IPv4 address.
    pub family: Family,
    /// Floor under the TTL. Default 1 s.
    pub min_refresh: Duration,
    /// Ceiling over the TTL. Default 5 min.
    pub max_refresh: Duration,
    /// How long one lookup may take. Default 5 s.
    pub query_timeout: Duration,
    /// Ceiling of the waits after failures, which begin at `min_refresh` and double. Default 30 s.
    pub max_backoff: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            family: Family::V4Preferred,
            min_refresh: Duration::from_secs(1),
            max_refresh: Duration::from_secs(300),
            query_timeout: Duration::from_secs(5),
            max_backoff: Duration::from_secs(30),
        }
    }
}

impl WatchSettings {
    pub(super) fn longest(&self) -> Duration {
        self.max_refresh.max(self.min_refresh)
    }
}

/// The addresses of one name, for as long as anyone holds it.
#[derive(Debug)]
pub struct Watched {
    name: Arc<str>,
    addresses: ArcSwap<Known<IpAddr>>,
    status: Mutex<Status>,
    news: Notify,
    task: OnceLock<AbortHandle>,
}

/// How the lookups of a name, or of a service, stand.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Whether the first is over.
    pub(super) over: bool,
    /// When the next is due; none while one is under way.
    pub(super) next: Option<Instant>,
    /// Why the last brought nothing.
    pub(super) last_error: Option<Arc<str>>,
}

/// A watched name as an operator sees it.
#[derive(Clone, Debug)]
pub struct WatchedView {
    /// The name.
    pub name: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Time to the next lookup. None while one is under way.
    pub next_refresh: Option<Duration>,
    /// Why the last lookup brought no address.
    pub last_error: Option<Arc<str>>,
}

impl Watched {
    /// Keeps resolving `name` on `runtime` until nobody holds it.
    pub(super) fn start(
        name: &Arc<str>,
        resolver: Arc<dyn Resolve>,
        settings: WatchSettings,
        counts: Arc<NameCounts>,
        runtime: &Handle,
    ) -> Arc<Self> {
        let watched = Arc::new(Self {
            name: Arc::clone(name),
            addresses: ArcSwap::default(),
            status: Mutex::default(),
            news: Notify::new(),
            task: OnceLock::new(),
        });
        let task = keep_resolving(Arc::downgrade(&watched), Arc::clone(name), resolver, settings, counts);
        // Set once, here.
        let _ = watched.task.set(runtime.spawn(task).abort_handle());
        watched
    }

    /// The name, in lower case and without a trailing dot.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses last learned. Empty until some are; what was learned stays when later lookups bring none, and is in doubt.
    #[must_use]
    pub fn addresses(&self) -> Arc<Known<IpAddr>> {
        self.addresses.load_full()
    }

    /// Waits until the first lookup is over, whatever came of it. Bounded by the query timeout.
    pub async fn ready(&self) {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if self.is_ready() {
                return;
            }
            news.await;
        }
    }

    /// Whether the first lookup is over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status().over
    }

    /// Waits until the addresses, or the doubt in them, are other than `seen`, which came from [`addresses`](Self::addresses).
    pub async fn changed(&self, seen: &Arc<Known<IpAddr>>) {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if !Arc::ptr_eq(&self.addresses.load(), seen) {
                return;
            }
            news.await;
        }
    }

    /// Notes what is known now, if that is anything else.
    fn learn(&self, known: Known<IpAddr>) {
        if **self.addresses.load() != known {
            self.addresses.store(Arc::new(known));
        }
    }

    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> WatchedView {
        self.status().view(&self.name, self.addresses().to_vec())
    }
}

impl Status {
    pub(super) fn view(&self, name: &Arc<str>, addresses: Vec<IpAddr>) -> WatchedView {
        WatchedView {
            name: Arc::clone(name),
            addresses,
            next_refresh: self.next.map(|next| next.saturating_duration_since(Instant::now())),
            last_error: self.last_error.clone(),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn keep_resolving(
    watched: Weak<Watched>,
    name: Arc<str>,
    resolver: Arc<dyn Resolve>,
    settings: WatchSettings,
    counts: Arc<NameCounts>,
) {
    let mut failures = 0_u32;
    loop {
        // What a server sends must not end the watch, whatever it does to the resolver.
        let lookup = AssertUnwindSafe(resolve_family(&*resolver, &name, settings.family)).catch_unwind();
        let answer = match tokio::time::timeout(settings.query_timeout, lookup).await {
            Ok(answer) => answer.unwrap_or_else(|_| Answer::Failed("resolver_error".into())),
            Err(_) => {
                counts.timeouts.increment();
                Answer::Failed("resolve_timeout".into())
            }
        };
        counts.lookups.increment();
        if !matches!(answer, Answer::Addresses(..)) {
            counts.failures.increment();
        }
        let wait;
        {
            let Some(watched) = watched.upgrade() else {
                return;
            };
            let mut status = watched.status();
            match answer {
                Answer::Addresses(mut addresses, ttl) => {
                    failures = 0;
                    wait = ttl.clamp(settings.min_refresh, settings.longest());
                    status.last_error = None;
                    addresses.sort_unstable();
                    addresses.dedup();
                    // Servers rotate their answers; the same set is no change.
                    watched.learn(Known::new(addresses, Doubt::default()));
                }
                ref none @ (Answer::Empty(ref reason) | Answer::Failed(ref reason)) => {
                    let known = watched.addresses.load();
                    let (now, doubt) = (Instant::now(), known.doubt());
                    let absent = matches!(none, Answer::Empty(_));
                    let doubt = if absent { doubt.absent(now) } else { doubt.failed(now) };
                    if !known.is_empty() {
                        watched.learn(Known::new(known.to_vec(), doubt));
                    }
                    wait = backoff(&settings, &mut failures);
                    if status.last_error.as_ref() != Some(reason) {
                        tracing::warn!(%name, %reason, known = watched.addresses.load().len(), "an endpoint's name was not resolved");
                    }
                    status.last_error = Some(Arc::clone(reason));
                }
            }
            status.over = true;
            status.next = Some(Instant::now() + wait);
            drop(status);
            watched.news.notify_waiters();
        }
        tokio::time::sleep(wait).await;
        if let Some(watched) = watched.upgrade() {
            watched.status().next = None;
        }
    }
}

/// The wait after one more failure: between half of the ceiling and all of it, so that names that fail together do not return
/// together.
pub(super) fn backoff(settings: &WatchSettings, failures: &mut u32) -> Duration {
    let ceiling = settings.min_refresh.saturating_mul(2_u32.saturating_pow(*failures)).min(settings.max_backoff);
    *failures = failures.saturating_add(1);
    ceiling.mul_f64(rand::random_range(0.5..=1.0)).max(settings.min_refresh / 2)
}
