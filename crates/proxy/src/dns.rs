//! Names: one resolver for the DNS caches of dynamic backends and for the endpoints that are names.

mod dynamic;
mod endpoints;

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_dns_cache::{
    Cache, Names, Resolve, ResolverError, Settings, SettingsError, SystemResolver, WatchSettings, Watched, WatchedView,
};
use tokio::runtime::Handle;

pub(crate) use dynamic::DynamicResolve;
pub(crate) use endpoints::Following;

/// Everything that asks DNS.
#[derive(Debug)]
pub(crate) struct Dns {
    resolver: Arc<SystemResolver>,
    names: Names,
    runtime: Handle,
}

impl Dns {
    /// Asks `servers`, or the system's when there are none; all work is done on `runtime`.
    pub(crate) fn new(servers: &[SocketAddr], runtime: Handle) -> Result<Self, ResolverError> {
        let resolver = Arc::new(SystemResolver::new(servers)?);
        let names = Names::new(WatchSettings::default(), Arc::clone(&resolver) as Arc<dyn Resolve>, runtime.clone());
        Ok(Self { resolver, names, runtime })
    }

    /// A cache for one dynamic backend.
    pub(crate) fn cache(&self, settings: Settings) -> Result<Arc<Cache>, SettingsError> {
        Cache::new(settings, Arc::clone(&self.resolver) as Arc<dyn Resolve>, &self.runtime).map(Arc::new)
    }

    /// Begins to watch an endpoint's name.
    pub(crate) fn watch(&self, name: &str) -> Option<Arc<Watched>> {
        self.names.watch(name)
    }

    /// The watched names.
    pub(crate) fn watched(&self) -> Vec<WatchedView> {
        self.names.views()
    }
}
