//! The address list of a static backend, some of whose endpoints are names.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_dns_cache::{Doubt, Known, Member, Staleness, Watched, WatchedService, WatchedView};
use backstay_model::{StaticEndpoint, StaticEndpoints, StaticHost};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, select_all};
use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::Dns;
use backstay_upstream::{Backend, Endpoint};

/// Keeps the addresses of a backend as its plan and DNS say, until it is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    /// `None` where all are addresses, which do not change.
    sources: Option<Arc<Sources>>,
    backend: Arc<Backend>,
    task: Option<AbortHandle>,
}

impl Following {
    /// Lets `backend` follow `plan`. Addresses are set at once if all names are known; until they are, it keeps those it has.
    pub(crate) fn start(backend: &Arc<Backend>, plan: &StaticEndpoints, dns: &Dns, runtime: &Handle) -> Self {
        let sources = Sources::new(plan, dns);
        if sources.is_ready() {
            sources.store(backend);
        }
        let changes = !sources.list.iter().all(|(_, source)| source.is_fixed());
        let sources = changes.then(|| Arc::new(sources));
        let follow = |sources| runtime.spawn(follow(Arc::clone(sources), Arc::clone(backend))).abort_handle();
        let task = sources.as_ref().map(follow);
        Self { sources, backend: Arc::clone(backend), task }
    }

    /// Whether each name has been asked for once.
    pub(crate) fn is_ready(&self) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.is_ready())
    }

    /// The names whose last lookup brought no address, and why.
    pub(crate) fn failing(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let sources = self.sources.iter().flat_map(|sources| &sources.list);
        let views = sources.filter_map(|(_, source)| source.view());
        views.filter_map(|view| Some((view.name, view.last_error?))).collect()
    }

    /// Waits until each name has been asked for once, and the backend has the addresses.
    pub(crate) fn ready(&self) -> impl Future<Output = ()> + Send + use<> {
        let (sources, backend) = (self.sources.clone(), Arc::clone(&self.backend));
        async move {
            let Some(sources) = sources else { return };
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
    /// With the name as TLS speaks of it, unless no certificate can carry it.
    Name(Arc<Watched>, Option<ServerName<'static>>),
    Service(Arc<WatchedService>),
}

/// What a source said, to find out when it says something else.
enum Seen<'a> {
    Name(&'a Watched, Arc<Known<IpAddr>>),
    Service(&'a WatchedService, Arc<Known<Member>>),
}

#[derive(Debug)]
struct Sources {
    list: Vec<(StaticEndpoint, Source)>,
    /// How long addresses are used while lookups bring none.
    staleness: Staleness,
}

/// What is used at one moment of what is known, and the first moment at which something of it is not used any more.
struct InUse {
    now: Instant,
    staleness: Staleness,
    ends: Option<Instant>,
}

impl InUse {
    /// Whether what is in `doubt` is used.
    fn uses(&mut self, doubt: Doubt) -> bool {
        let Some(end) = doubt.end(self.staleness) else {
            return true;
        };
        let uses = self.now < end;
        if uses {
            self.ends = Some(self.ends.map_or(end, |ends| ends.min(end)));
        }
        uses
    }
}

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

    fn view(&self) -> Option<WatchedView> {
        match self {
            Self::Address(_) => None,
            Self::Name(name, _) => Some(name.view()),
            Self::Service(service) => Some(service.view()),
        }
    }

    fn look(&self) -> Option<Seen<'_>> {
        match self {
            Self::Address(_) => None,
            Self::Name(name, _) => Some(Seen::Name(name, name.addresses())),
            Self::Service(service) => Some(Seen::Service(service, service.members())),
        }
    }

    fn add_to(&self, endpoints: &mut Vec<Endpoint>, in_use: &mut InUse) {
        match self {
            Self::Address(address) => endpoints.push(Endpoint::ip(*address)),
            Self::Name(name, server_name) => {
                let addresses = name.addresses();
                if in_use.uses(addresses.doubt()) {
                    endpoints.extend(addresses.iter().map(|address| match server_name {
                        Some(server_name) => Endpoint::named(*address, server_name.clone()),
                        None => Endpoint::ip(*address),
                    }));
                }
            }
            Self::Service(service) => {
                let members = service.members();
                if in_use.uses(members.doubt()) {
                    endpoints.extend(members.iter().filter(|member| in_use.uses(member.doubt)).filter_map(server));
                }
            }
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
    fn new(plan: &StaticEndpoints, dns: &Dns) -> Self {
        let mut list = Vec::with_capacity(plan.len());
        list.extend(plan.iter().filter_map(|plan| Some((plan.clone(), Source::new(&plan.host, dns)?))));
        Self { list, staleness: plan.staleness }
    }

    fn is_ready(&self) -> bool {
        self.list.iter().all(|(_, source)| source.is_ready())
    }

    async fn ready(&self) {
        join_all(self.list.iter().map(|(_, source)| source.ready())).await;
    }

    /// The endpoints of this moment, in the order of the plan, none of them twice; and when one of them is not used any more, unless
    /// DNS says something else before.
    fn endpoints(&self) -> (Vec<Endpoint>, Option<Instant>) {
        let mut in_use = InUse { now: Instant::now(), staleness: self.staleness, ends: None };
        let mut endpoints = Vec::with_capacity(self.list.len());
        for (plan, source) in &self.list {
            let first = endpoints.len();
            source.add_to(&mut endpoints, &mut in_use);
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
        (endpoints, in_use.ends)
    }

    /// Hands the endpoints of this moment over. Says when they are others, should DNS say nothing.
    fn store(&self, backend: &Backend) -> Option<Instant> {
        let (endpoints, ends) = self.endpoints();
        backend.set_endpoints(endpoints);
        ends
    }
}

async fn follow(sources: Arc<Sources>, backend: Arc<Backend>) {
    sources.ready().await;
    loop {
        // Before they are used: a change in between ends the wait at once.
        let seen: Vec<_> = sources.list.iter().filter_map(|(_, source)| source.look()).collect();
        let ends = sources.store(&backend);
        let end = async {
            match ends {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = select_all(seen.iter().map(Seen::changed)) => {}
            () = end => {}
        }
    }
}
