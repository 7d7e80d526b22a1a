//! The address list of a static backend, some of whose endpoints are names.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_dns_cache::{Member, Watched, WatchedService};
use backstay_model::{StaticEndpoint, StaticHost};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, select_all};
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::Dns;
use backstay_upstream::{Backend, Endpoint};

/// Keeps the addresses of a backend as its plan and DNS say, until it is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    sources: Arc<Sources>,
    backend: Arc<Backend>,
    task: Option<AbortHandle>,
}

impl Following {
    /// Lets `backend` follow `plan`. Addresses are set at once if all names are known; until they are, it keeps those it has.
    pub(crate) fn start(backend: &Arc<Backend>, plan: &[StaticEndpoint], dns: &Dns, runtime: &Handle) -> Self {
        let sources = Arc::new(Sources::new(plan, dns));
        if sources.is_ready() {
            sources.store(backend);
        }
        let changes = !sources.0.iter().all(|(_, source)| source.is_fixed());
        let task = changes.then(|| runtime.spawn(follow(Arc::clone(&sources), Arc::clone(backend))).abort_handle());
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
            sources.ready().await;
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

/// Where one endpoint of the plan leads.
#[derive(Debug)]
enum Source {
    Address(IpAddr),
    Name(Arc<Watched>, ServerName<'static>),
    Service(Arc<WatchedService>),
}

/// What a source said, to find out when it says something else.
enum Seen<'a> {
    Name(&'a Watched, Arc<Vec<IpAddr>>),
    Service(&'a WatchedService, Arc<Vec<Member>>),
}

#[derive(Debug)]
struct Sources(Vec<(StaticEndpoint, Source)>);

impl Source {
    /// None for a name that DNS cannot know, which a checked plan has none of.
    fn new(plan: &StaticHost, dns: &Dns) -> Option<Self> {
        Some(match plan {
            StaticHost::Ip(address) => Self::Address(*address),
            StaticHost::Name { name, server_name, family } => {
                Self::Name(dns.watch(name, *family)?, server_name.clone())
            }
            StaticHost::Srv(name) => Self::Service(dns.watch_service(name)?),
        })
    }

    fn is_fixed(&self) -> bool {
        matches!(self, Self::Address(_))
    }

    fn is_ready(&self) -> bool {
        match self {
            Self::Address(_) => true,
            Self::Name(name, _) => name.is_ready(),
            Self::Service(service) => service.is_ready(),
        }
    }

    async fn ready(&self) {
        match self {
            Self::Address(_) => {}
            Self::Name(name, _) => name.ready().await,
            Self::Service(service) => service.ready().await,
        }
    }

    fn look(&self) -> Option<Seen<'_>> {
        match self {
            Self::Address(_) => None,
            Self::Name(name, _) => Some(Seen::Name(name, name.addresses())),
            Self::Service(service) => Some(Seen::Service(service, service.members())),
        }
    }

    fn add_to(&self, endpoints: &mut Vec<Endpoint>) {
        match self {
            Self::Address(address) => endpoints.push(Endpoint::ip(*address)),
            Self::Name(name, server_name) => {
                endpoints.extend(name.addresses().iter().map(|address| Endpoint::named(*address, server_name.clone())));
            }
            Self::Service(service) => endpoints.extend(service.members().iter().filter_map(server)),
        }
    }
}

/// A server of a service, under its own name.
fn server(member: &Member) -> Option<Endpoint> {
    let server_name = ServerName::try_from(member.target.to_string()).ok()?;
    Some(Endpoint {
        port: NonZeroU16::new(member.port),
        weight: member.weight,
        priority: member.priority,
        ..Endpoint::named(member.address, server_name)
    })
}

impl Seen<'_> {
    fn changed(&self) -> BoxFuture<'_, ()> {
        match self {
            Self::Name(name, seen) => name.changed(seen).boxed(),
            Self::Service(service, seen) => service.changed(seen).boxed(),
        }
    }
}

impl Sources {
    fn new(plan: &[StaticEndpoint], dns: &Dns) -> Self {
        Self(plan.iter().filter_map(|plan| Some((plan.clone(), Source::new(&plan.host, dns)?))).collect())
    }

    fn is_ready(&self) -> bool {
        self.0.iter().all(|(_, source)| source.is_ready())
    }

    async fn ready(&self) {
        join_all(self.0.iter().map(|(_, source)| source.ready())).await;
    }

    /// The endpoints of this moment, in the order of the plan, none of them twice.
    fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = Vec::with_capacity(self.0.len());
        for (plan, source) in &self.0 {
            let first = endpoints.len();
            source.add_to(&mut endpoints);
            for endpoint in endpoints.iter_mut().skip(first) {
                // The records of a service weigh its servers against each other.
                endpoint.weight = endpoint.weight.max(1).saturating_mul(plan.weight);
                endpoint.priority = endpoint.priority.saturating_add(plan.priority);
                endpoint.locality = plan.locality;
                endpoint.stated = plan.stated;
            }
        }
        let mut seen = std::collections::HashSet::new();
        endpoints.retain(|endpoint| seen.insert((endpoint.address, endpoint.port, endpoint.server_name.clone())));
        endpoints
    }

    fn store(&self, backend: &Backend) {
        backend.set_endpoints(self.endpoints());
    }
}

async fn follow(sources: Arc<Sources>, backend: Arc<Backend>) {
    sources.ready().await;
    loop {
        // Before they are used: a change in between ends the wait at once.
        let seen: Vec<_> = sources.0.iter().filter_map(|(_, source)| source.look()).collect();
        sources.store(&backend);
        select_all(seen.iter().map(Seen::changed)).await;
    }
}
