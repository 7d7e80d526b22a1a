//! Names: one resolver for the DNS caches of dynamic backends and for the endpoints that are names.

mod dynamic;
mod endpoints;
mod persistence;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use backstay_dns_cache::{
    Cache, DnsServer, Family, NameStats, Names, Remembered, ResolverError, Settings, SettingsError, SystemResolver,
    WatchSettings, Watched, WatchedService, WatchedView,
};
use tokio::runtime::Handle;

pub(crate) use dynamic::DynamicResolve;
pub(crate) use endpoints::Following;
pub(crate) use persistence::{HostsFile, keep};

/// Everything that asks DNS.
#[derive(Debug)]
pub(crate) struct Dns {
    resolver: SystemResolver,
    names: Names,
    runtime: Handle,
    /// Hosts of an earlier run, by backend, until its cache is made.
    remembered: Mutex<HashMap<Arc<str>, Vec<Remembered>>>,
}

impl Dns {
    /// Asks `servers`, or the system's when there are none; all work is done on `runtime`.
    pub(crate) fn new(servers: &[DnsServer], runtime: Handle) -> Result<Self, ResolverError> {
        let resolver = SystemResolver::new(servers)?;
        let names = Names::new(WatchSettings::default(), Arc::new(resolver.apart()), runtime.clone());
        Ok(Self { resolver, names, runtime, remembered: Mutex::default() })
    }

    /// A cache for one dynamic backend, with what an earlier run remembered of it.
    pub(crate) fn cache(&self, backend: &str, settings: Settings) -> Result<Arc<Cache>, SettingsError> {
        // Clients choose the names. What they ask for must hold up neither another backend nor the endpoints that are names.
        let cache = Cache::new(settings, Arc::new(self.resolver.apart()), &self.runtime)?;
        let hosts = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).remove(backend);
        if let Some(hosts) = hosts {
            let (known, entered) = (hosts.len(), cache.recall(hosts));
            tracing::info!(backend, known, entered, "the DNS cache begins with hosts of an earlier run");
        }
        Ok(Arc::new(cache))
    }

    /// Keeps hosts of an earlier run until their backends come.
    pub(crate) fn remember(&self, hosts: HashMap<Arc<str>, Vec<Remembered>>) {
        *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) = hosts;
    }

    /// Begins to watch an endpoint's name, of whose addresses those of `family` count.
    pub(crate) fn watch(&self, name: &str, family: Family) -> Option<Arc<Watched>> {
        self.names.watch_family(name, family)
    }

    /// Begins to watch the servers of an endpoint that is a service.
    pub(crate) fn watch_service(&self, name: &str) -> Option<Arc<WatchedService>> {
        self.names.watch_service(name)
    }

    /// What came of the lookups of watched names.
    pub(crate) fn name_stats(&self) -> NameStats {
        self.names.stats()
    }

    /// The watched names.
    pub(crate) fn watched(&self) -> Vec<WatchedView> {
        self.names.views()
    }
}
