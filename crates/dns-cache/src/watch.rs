//! Names of ordinary endpoints: each is resolved once for all who watch it, and again when its TTL is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use backstay_destination::hostname::is_dns_name;
use tokio::runtime::Handle;

use crate::family::Family;
use crate::resolve::Resolve;
use crate::stats::{NameCounts, NameStats};

mod known;
mod name;
mod service;

pub use known::{Doubt, Known};
pub use name::{WatchSettings, Watched, WatchedView};
pub use service::{Member, WatchedService};

#[cfg(test)]
mod tests;

/// Resolves the names that are watched, on one runtime. A clone is another handle to the same.
#[derive(Clone)]
pub struct Names {
    shared: Arc<Shared>,
}

/// By name and by which addresses of it are wanted.
type Watches = HashMap<(Arc<str>, Family), Weak<Watched>>;

struct Shared {
    resolver: Arc<dyn Resolve>,
    settings: WatchSettings,
    runtime: Handle,
    counts: Arc<NameCounts>,
    watched: Mutex<Watches>,
    services: Mutex<HashMap<Arc<str>, Weak<WatchedService>>>,
}

impl Names {
    /// Watches names on `runtime`.
    #[must_use]
    pub fn new(settings: WatchSettings, resolver: Arc<dyn Resolve>, runtime: Handle) -> Self {
        let (watched, services) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { resolver, settings, runtime, counts: Arc::default(), watched, services }) }
    }

    /// Begins to watch `name`, or joins those who do. Case and a trailing dot do not matter.
    ///
    /// None if DNS cannot know such a name.
    #[must_use]
    pub fn watch(&self, name: &str) -> Option<Arc<Watched>> {
        self.watch_family(name, self.shared.settings.family)
    }

    /// As [`Self::watch`], with the addresses of `family`, whatever the settings say.
    #[must_use]
    pub fn watch_family(&self, name: &str, family: Family) -> Option<Arc<Watched>> {
        let key = (normal(name)?, family);
        let mut all = self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = all.get(&key).and_then(Weak::upgrade) {
            return Some(watched);
        }
        all.retain(|_, watched| watched.strong_count() > 0);
        let Shared { resolver, settings, counts, runtime, .. } = &*self.shared;
        let settings = WatchSettings { family, ..settings.clone() };
        let watched = Watched::start(&key.0, Arc::clone(resolver), settings, Arc::clone(counts), runtime);
        all.insert(key, Arc::downgrade(&watched));
        Some(watched)
    }

    /// Begins to watch the servers of the service `name`, such as `_http._tcp.example.com`, or joins those who do. Case and a
    /// trailing dot do not matter.
    ///
    /// None if DNS cannot know such a name.
    #[must_use]
    pub fn watch_service(&self, name: &str) -> Option<Arc<WatchedService>> {
        let name = normal(name)?;
        let mut all = self.shared.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = all.get(&name).and_then(Weak::upgrade) {
            return Some(watched);
        }
        all.retain(|_, watched| watched.strong_count() > 0);
        let watched = WatchedService::start(self, &name);
        all.insert(name, Arc::downgrade(&watched));
        Some(watched)
    }

    /// What came of the lookups of all names that were ever watched.
    #[must_use]
    pub fn stats(&self) -> NameStats {
        self.shared.counts.snapshot()
    }

    /// The names watched now, those of services among them, in order.
    #[must_use]
    pub fn views(&self) -> Vec<WatchedView> {
        let watched: Vec<_> = held(&self.shared.watched);
        let services: Vec<_> = held(&self.shared.services);
        let mut views: Vec<_> = watched.iter().map(|watched| watched.view()).collect();
        views.extend(services.iter().map(|service| service.view()));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }
}

fn held<K, T>(all: &Mutex<HashMap<K, Weak<T>>>) -> Vec<Arc<T>> {
    all.lock().unwrap_or_else(PoisonError::into_inner).values().filter_map(Weak::upgrade).collect()
}

/// The one spelling of a name. None if DNS cannot know it.
fn normal(name: &str) -> Option<Arc<str>> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    is_dns_name(name).then(|| name.into())
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}
