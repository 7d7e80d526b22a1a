//! The address list of a static backend, some of whose endpoints are names.

use std::sync::Arc;

use backstay_dns_cache::Watched;
use futures::future::{join_all, select_all};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Dns;
use crate::config::{Backend, Discovery, Endpoint};
use crate::convert::EndpointPlan;

/// Keeps the addresses of a backend as its plan and DNS say, until it is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    sources: Arc<Sources>,
    backend: Arc<Backend>,
    task: Option<AbortHandle>,
}

impl Following {
    /// Lets `backend` follow `plan`. Addresses are set at once if all names are known; until they are, it keeps those it has.
    pub(crate) fn start(backend: &Arc<Backend>, plan: &[EndpointPlan], dns: &Dns, runtime: &Handle) -> Self {
        let sources = Arc::new(Sources::new(plan, dns));
        if sources.is_ready() {
            sources.store(backend);
        }
        let has_names = sources.names().next().is_some();
        let task = has_names.then(|| runtime.spawn(follow(Arc::clone(&sources), Arc::clone(backend))).abort_handle());
        Self { sources, backend: Arc::clone(backend), task }
    }

    /// Whether each name has been asked for once.
    pub(crate) fn is_ready(&self) -> bool {
        self.sources.is_ready()
    }

    /// Waits until each name has been asked for once, and the backend has the addresses.
    pub(crate) fn ready(&self) -> impl Future<Output = ()> + Send + use<> {
        let (sources, backend) = (Arc::clone(&self.sources), Arc::clone(&self.backend));
        async move {
            join_all(sources.names().map(|name| name.ready())).await;
            sources.store(&backend);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[derive(Debug)]
struct Source {
    plan: EndpointPlan,
    watched: Option<Arc<Watched>>,
}

#[derive(Debug)]
struct Sources(Vec<Source>);

impl Sources {
    fn new(plan: &[EndpointPlan], dns: &Dns) -> Self {
        let source = |plan: &EndpointPlan| Source {
            plan: plan.clone(),
            watched: match plan {
                EndpointPlan::Ip(_) => None,
                EndpointPlan::Name { name, .. } => dns.watch(name),
            },
        };
        Self(plan.iter().map(source).collect())
    }

    fn names(&self) -> impl Iterator<Item = &Arc<Watched>> {
        self.0.iter().filter_map(|source| source.watched.as_ref())
    }

    fn is_ready(&self) -> bool {
        self.names().all(|name| name.is_ready())
    }

    /// The endpoints of this moment, in the order of the plan, none of them twice.
    fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = Vec::with_capacity(self.0.len());
        for source in &self.0 {
            match (&source.plan, &source.watched) {
                (EndpointPlan::Ip(address), _) => endpoints.push(Endpoint::ip(*address)),
                (EndpointPlan::Name { server_name, .. }, Some(watched)) => {
                    let addresses = watched.addresses();
                    endpoints.extend(
                        addresses
                            .iter()
                            .map(|address| Endpoint { address: *address, server_name: server_name.clone() }),
                    );
                }
                (EndpointPlan::Name { .. }, None) => {}
            }
        }
        let mut seen = std::collections::HashSet::new();
        endpoints.retain(|endpoint| seen.insert((endpoint.address, endpoint.server_name.clone())));
        endpoints
    }

    fn store(&self, backend: &Backend) {
        if let Discovery::Addresses(list) = &backend.discovery {
            let endpoints = self.endpoints();
            if **list.load() != endpoints {
                list.store(Arc::new(endpoints));
            }
        }
    }
}

async fn follow(sources: Arc<Sources>, backend: Arc<Backend>) {
    join_all(sources.names().map(|name| name.ready())).await;
    loop {
        // Before they are used: a change in between ends the wait at once.
        let seen: Vec<_> = sources.names().map(|name| (name, name.addresses())).collect();
        sources.store(&backend);
        select_all(seen.iter().map(|(name, addresses)| Box::pin(name.changed(addresses)))).await;
    }
}
