//! Every resource in force, and the configuration built from them.

mod apply;
mod dirty;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use backstay_balancer::Breakers;
use backstay_dns_cache::{HostView, Remembered};
use backstay_http_cache::Counts;
use backstay_limiter::Registry;
use backstay_model::{
    AddressSet, Fault, Faults, Listener, Revocations, Route, Secret, Slot, Table, Telemetry, TlsSpec,
};
use backstay_xds::client::Rejection;
use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use tokio::runtime::Handle;

use super::accepted::{Accepted, AcceptedMap, Rejected, ResourceView, views};
use super::backends::{BackendItem, Feed, Secrets};
use super::build_context::BuildContext;
use super::calls::CallCounts;
use super::certificates::{CertificateView, certificates};
use super::references::References;
use super::routes::RouteItem;
use super::sockets::{Parts, SocketItem};
use super::specs::Specs;
use crate::access::LogControl;
use crate::config::{Config, Found, Passages, Rule};
use crate::dns::Dns;
use crate::limits::Limits;
use crate::metrics::{BackendSnapshot, CacheSnapshot, CallSnapshot, Counted, Members};
use crate::tokens::KeyStore;
use crate::trace::TraceControl;
use backstay_upstream::{Backend, Discovery, Endpoints};
use dirty::Dirty;
pub(super) use outcome::Outcome;

/// How many of a resource's faults the control plane is told: more would help nobody, and there may be as many as a list has
/// elements.
const LISTED_FAULTS: usize = 16;

/// Every resource in force, and what it was built into.
#[derive(Debug)]
pub(crate) struct Model {
    context: BuildContext,
    specs: Specs,
    /// The address that stands for all addresses of this host.
    any: IpAddr,
    limiters: Arc<Registry>,
    passages: Passages,
    secrets: AcceptedMap<Secret>,
    /// Boxed: a map that is filled in order leaves half of its room empty.
    backends: AcceptedMap<Box<BackendItem>>,
    tables: AcceptedMap<Arc<Slot<Table>>>,
    address_sets: AcceptedMap<Arc<Slot<AddressSet>>>,
    revocations: AcceptedMap<Arc<Slot<Revocations>>>,
    keys: KeyStore,
    routes: AcceptedMap<RouteItem>,
    listeners: AcceptedMap<Listener>,
    telemetry: AcceptedMap<Box<Telemetry>>,
    /// What follows what the fleet says of the log, and of traces.
    log: Option<LogControl>,
    traces: Option<TraceControl>,
    /// Routes by the backends, tables, address sets and revocations that they name, there or not.
    by_reference: References,
    /// Routes by the listeners that they name, there or not.
    by_listener: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    sockets: BTreeMap<SocketAddr, SocketItem>,
    rejected: BTreeMap<Arc<str>, Rejected>,
    /// What is counted for the calls of compositions.
    calls: CallCounts,
}

/// A backend as an operator sees it.
pub(crate) struct BackendView<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) version: &'a Arc<str>,
    /// `None` for a dynamic backend, and for one that waits.
    pub(crate) endpoints: Option<Arc<Endpoints>>,
    pub(crate) breakers: &'a Breakers,
    /// `None` for one that waits.
    pub(crate) backend: Option<&'a Backend>,
    pub(crate) dynamic: bool,
    /// Names of endpoints whose last lookup brought no address, and why.
    pub(crate) failing_names: Vec<(Arc<str>, Arc<str>)>,
    /// The secret that it waits for. What was in force before it had to is so until then.
    pub(crate) waiting_for: Option<&'a Arc<str>>,
}

/// A listener as an operator sees it.
#[derive(Debug)]
pub(crate) struct ListenerView {
    pub(crate) name: Arc<str>,
    /// The socket that it is served on.
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
    /// False while it waits for its certificate.
    pub(crate) ready: bool,
    /// Routes that name it.
    pub(crate) routes: usize,
}

impl Model {
    /// A model of nothing. Names are resolved by `dns`, and followed on `runtime`; each backend may have `max_checks` of its
    /// active checks under way. `limiters` has the buckets of rate limits.
    pub(crate) fn new(dns: Arc<Dns>, runtime: Handle, any: IpAddr, max_checks: usize, limiters: Arc<Registry>) -> Self {
        Self {
            context: BuildContext { dns, runtime, max_checks, bounds: None },
            specs: Specs::default(),
            any,
            passages: Passages::new(Limits::default().answer_cache, Arc::default(), Arc::clone(&limiters)),
            limiters,
            secrets: AcceptedMap::new(),
            backends: AcceptedMap::new(),
            tables: AcceptedMap::new(),
            address_sets: AcceptedMap::new(),
            revocations: AcceptedMap::new(),
            keys: KeyStore::default(),
            routes: AcceptedMap::new(),
            listeners: AcceptedMap::new(),
            telemetry: AcceptedMap::new(),
            log: None,
            traces: None,
            by_reference: References::default(),
            by_listener: BTreeMap::new(),
            sockets: BTreeMap::new(),
            rejected: BTreeMap::new(),
            calls: CallCounts::default(),
        }
    }

    /// The same with `bytes` for all answers that are kept for calls, of which is counted in `counts`.
    pub(crate) fn caching(mut self, bytes: usize, counts: Arc<Counts>) -> Self {
        self.passages = Passages::new(bytes, counts, Arc::clone(&self.limiters));
        self
    }

    /// The same with a log that follows what the fleet says of it.
    pub(crate) fn logging(mut self, log: Option<LogControl>) -> Self {
        self.log = log;
        self
    }

    /// The same with traces that follow what the fleet says of them.
    pub(crate) fn tracing(mut self, traces: TraceControl) -> Self {
        self.traces = Some(traces);
        self
    }

    /// Ends what tells of traces, once no request is left. To end it takes a moment, and blocks.
    pub(crate) fn end_tracing(&mut self) -> Option<TraceControl> {
        self.traces.take()
    }

    /// Everything in force, as it arrived.
    pub(crate) fn resources(&self) -> impl Iterator<Item = ResourceView<'_>> {
        let lookups = views(&self.tables).chain(views(&self.address_sets)).chain(views(&self.revocations));
        let of_requests = views(&self.routes).chain(views(&self.listeners)).chain(views(&self.telemetry));
        views(&self.secrets).chain(views(&self.backends)).chain(lookups).chain(of_requests)
    }

    /// Everything whose last version was refused.
    pub(crate) fn rejected(&self) -> &BTreeMap<Arc<str>, Rejected> {
        &self.rejected
    }

    /// Name and version of everything in force.
    pub(crate) fn versions(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        self.resources().map(|resource| (Arc::clone(resource.name), Arc::clone(resource.version))).collect()
    }

    /// The backends in force.
    pub(crate) fn backends(&self) -> impl Iterator<Item = BackendView<'_>> {
        self.backends.iter().map(|(name, accepted)| {
            let discovery = accepted.item.backend.as_ref().map(|backend| &backend.discovery);
            let endpoints = match discovery {
                Some(Discovery::Addresses(list)) => Some(list.load_full()),
                _ => None,
            };
            let waiting_for = accepted.item.plan.tls.as_deref().and_then(|tls| self.missing(tls));
            let dynamic = matches!(discovery, Some(Discovery::Dynamic(_)));
            let breakers = &*accepted.item.breakers;
            let backend = accepted.item.backend.as_deref();
            let failing_names = match &accepted.item.feed {
                Some(Feed::Following(following)) => following.failing(),
                Some(Feed::Cache(_)) | None => Vec::new(),
            };
            let version = &accepted.version;
            BackendView { name, version, endpoints, breakers, backend, dynamic, failing_names, waiting_for }
        })
    }

    /// The certificates in force.
    pub(crate) fn certificates(&self) -> Vec<CertificateView> {
        certificates(&self.secrets, &self.listeners)
    }

    /// The listeners in force, as an operator sees them.
    pub(crate) fn listener_views(&self) -> Vec<ListenerView> {
        let parts = self.parts();
        let view = |(name, accepted): (&Arc<str>, &Accepted<Listener>)| ListenerView {
            name: Arc::clone(name),
            address: accepted.item.socket(self.any),
            tls: accepted.item.secrets.is_some(),
            ready: parts.is_ready(&accepted.item),
            routes: self.by_listener.get(name).map_or(0, BTreeSet::len),
        };
        self.listeners.iter().map(view).collect()
    }

    /// Listeners that wait for a secret.
    pub(crate) fn waiting_listeners(&self) -> Vec<&Arc<str>> {
        let parts = self.parts();
        self.listeners.iter().filter(|(_, accepted)| !parts.is_ready(&accepted.item)).map(|(name, _)| name).collect()
    }

    /// What is counted for each backend.
    pub(crate) fn snapshots(&self) -> Vec<BackendSnapshot> {
        let snapshot = |(name, accepted): (&Arc<str>, &Accepted<Box<BackendItem>>)| BackendSnapshot {
            name: Arc::clone(name),
            metrics: Counted(Arc::clone(&accepted.item.metrics)),
            breakers: Arc::clone(&accepted.item.breakers),
            backend: accepted.item.backend.clone(),
            members: accepted.item.backend.as_deref().map(Members::of).unwrap_or_default(),
            cache: accepted.item.cache().map(|cache| CacheSnapshot::of(cache)),
        };
        self.backends.iter().map(snapshot).collect()
    }

    /// What is counted for each call of the compositions in force.
    pub(crate) fn call_snapshots(&self) -> Vec<CallSnapshot> {
        let names = self.routes.iter().flat_map(|(route, accepted)| {
            let calls = accepted.item.route.rules.iter().flat_map(|rule| rule.action.calls());
            calls.map(move |call| (route, call)).collect::<BTreeSet<_>>()
        });
        let snapshot = |(route, call): (&Arc<str>, &Arc<str>)| CallSnapshot {
            route: Arc::clone(route),
            call: Arc::clone(call),
            metrics: self.calls.of(route, call),
        };
        names.map(snapshot).collect()
    }

    /// The hosts that have addresses in the DNS cache of each dynamic backend.
    pub(crate) fn remembered_hosts(&self) -> Vec<(Arc<str>, Vec<Remembered>)> {
        let hosts = |(name, accepted): (&Arc<str>, &Accepted<Box<BackendItem>>)| {
            Some((Arc::clone(name), accepted.item.cache()?.remember()))
        };
        self.backends.iter().filter_map(hosts).collect()
    }

    /// The hosts in the DNS cache of each dynamic backend.
    pub(crate) fn cached_hosts(&self) -> Vec<(&Arc<str>, Vec<HostView>)> {
        self.backends.iter().filter_map(|(name, accepted)| Some((name, accepted.item.cache()?.hosts()))).collect()
    }

    /// Waits until each name of these backends has been asked for once.
    pub(crate) fn resolved(&self, backends: &[Arc<str>]) -> impl Future<Output = ()> + Send + use<> {
        let feeds = backends.iter().filter_map(|name| match self.backends.get(name)?.item.feed.as_ref()? {
            Feed::Following(following) => Some(following.ready()),
            Feed::Cache(_) => None,
        });
        let all = futures::future::join_all(feeds);
        async move {
            all.await;
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            any: self.any,
            listeners: &self.listeners,
            routes: &self.routes,
            secrets: &self.secrets,
            by_listener: &self.by_listener,
        }
    }

    /// Joins the rules of a route with what there is of the names in them.
    fn join(&self, name: &Arc<str>, route: &Route) -> Vec<Arc<Rule>> {
        let found = Found {
            client_address: route.client_address.as_ref(),
            counts: &|call| self.calls.of(name, call),
            backend: &|name| self.backends.get(name)?.item.backend.clone(),
            table: &|name| self.tables.get(name).map(|accepted| Arc::clone(&accepted.item)),
            address_set: &|name| self.address_sets.get(name).map(|accepted| Arc::clone(&accepted.item)),
            revocations: &|name| self.revocations.get(name).map(|accepted| Arc::clone(&accepted.item)),
            keys: &self.keys,
            limiters: &self.limiters,
            passages: &self.passages,
        };
        route.rules.iter().map(|rule| Arc::new(Rule::join(name, rule, &found))).collect()
    }

    /// What the secrets of a backend hold; `None` when one is not there, or holds something else.
    fn secrets_of(&self, tls: Option<&TlsSpec>) -> Option<Secrets> {
        let mut found = Secrets::default();
        let Some(tls) = tls else { return Some(found) };
        if let Some(name) = &tls.ca_secret {
            found.roots = Some(self.authorities(name)?);
        }
        if let Some(name) = &tls.certificate {
            found.certificate = Some(self.certificate(name)?);
        }
        Some(found)
    }

    fn authorities(&self, name: &Arc<str>) -> Option<Arc<RootCertStore>> {
        match &self.secrets.get(name)?.item {
            Secret::Authority(roots) => Some(Arc::clone(roots)),
            Secret::Certificate(_) => None,
        }
    }

    fn certificate(&self, name: &Arc<str>) -> Option<Arc<CertifiedKey>> {
        match &self.secrets.get(name)?.item {
            Secret::Certificate(identity) => Some(Arc::clone(&identity.key)),
            Secret::Authority(_) => None,
        }
    }

    /// The first secret of a backend that keeps it waiting.
    fn missing<'a>(&self, tls: &'a TlsSpec) -> Option<&'a Arc<str>> {
        let authority = tls.ca_secret.as_ref().filter(|name| self.authorities(name).is_none());
        authority.or_else(|| tls.certificate.as_ref().filter(|name| self.certificate(name).is_none()))
    }

    /// Tells backends that are checked which port traffic goes to.
    fn note_traffic_ports(&self) {
        let checked = self.backends.iter().filter(|(_, accepted)| !accepted.item.plan.spec.policy.health.is_empty());
        for (name, backend) in checked.filter_map(|(name, accepted)| Some((name, accepted.item.backend.as_ref()?))) {
            let routes = self.by_reference.to(name).filter_map(|route| self.routes.get(route));
            backend.set_traffic_port(routes.filter_map(|accepted| accepted.item.route.port_of(name)).min());
        }
    }

    /// The configuration of this moment.
    fn config(&self) -> Arc<Config> {
        let backends = self
            .backends
            .iter()
            .filter_map(|(name, accepted)| Some((Arc::clone(name), accepted.item.backend.clone()?)));
        Arc::new(Config {
            sockets: self.sockets.values().map(|item| Arc::clone(&item.socket)).collect(),
            backends: backends.collect(),
        })
    }

    /// Refuses listeners after all, and puts back what they replaced: their socket could not be opened.
    pub(crate) fn revert(&mut self, outcome: &mut Outcome, refused: Vec<(Arc<str>, Fault)>) -> Arc<Config> {
        let mut dirty = Dirty::default();
        for (name, fault) in refused {
            let Some(now) = self.listeners.remove(&name) else {
                continue;
            };
            dirty.sockets.insert(now.item.socket(self.any));
            if let Some(before) = outcome.replaced.remove(&name).flatten() {
                dirty.sockets.insert(before.item.socket(self.any));
                self.listeners.insert(Arc::clone(&name), before);
            }
            self.note(name, now.version, fault.into(), &mut outcome.rejections);
        }
        self.rebuild_sockets(&dirty);
        self.config()
    }

    /// Takes note of a version of a resource that is refused, and why.
    fn note(&mut self, name: Arc<str>, version: Arc<str>, faults: Faults, rejections: &mut Vec<Rejection>) {
        let listed = faults.iter().take(LISTED_FAULTS);
        rejections.extend(listed.map(|Fault { field, message }| Rejection {
            name: Arc::clone(&name),
            field: field.clone(),
            message: message.clone(),
        }));
        if let Some(more) = faults.len().checked_sub(LISTED_FAULTS).filter(|more| *more > 0) {
            let message = format!("and {more} more faults, which are not listed");
            rejections.push(Rejection { name: Arc::clone(&name), field: String::new(), message });
        }
        self.rejected.insert(name, Rejected { version, faults });
    }

    fn rebuild_sockets(&mut self, dirty: &Dirty) {
        for address in &dirty.sockets {
            match self.parts().build(*address, self.sockets.get(address)) {
                Some(item) => {
                    self.sockets.insert(*address, item);
                }
                None => {
                    self.sockets.remove(address);
                }
            }
        }
    }
}
