//! What is bound to one address: a listener of Envoy's, and the routes that it subscribes to.
//!
//! Without TLS, all host names of a socket are in one set of routes, since they are one to Envoy. With it each listener has its own, so that a
//! change of one listener's routes sends those alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use backstay_model::{Backend, HostPattern, Listener, Route};
use envoy_types::pb::envoy::config::listener::v3 as listeners;
use envoy_types::pb::envoy::config::route::v3 as routes;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use xxhash_rust::xxh3::Xxh3;

use crate::generations::Generations;
use crate::listener::{chain, listener};
use crate::names::{self, ClusterKey};
use crate::omission::{Omission, Omissions};
use crate::route::{Draws, Owned, Routing, misdirected};
use crate::{cluster, dynamic};

/// The routes of the listener of a name, each with its own.
pub(crate) type RoutesOf<'a> = dyn Fn(&str) -> Vec<(&'a Arc<str>, &'a Route)> + 'a;

/// What a socket is made of.
pub(crate) struct Parts<'a> {
    pub(crate) address: SocketAddr,
    /// Its listeners, by name.
    pub(crate) listeners: Vec<(&'a Arc<str>, &'a Listener)>,
    /// The routes of a listener, by its name.
    pub(crate) routes: &'a RoutesOf<'a>,
    pub(crate) backends: &'a BTreeMap<Arc<str>, Backend>,
    pub(crate) generations: &'a BTreeMap<Arc<str>, Generations>,
    /// Whether there is a certificate of this name.
    pub(crate) has_secret: &'a dyn Fn(&str) -> bool,
}

/// A socket as Envoy has it.
#[derive(Default)]
pub(crate) struct Socket {
    /// `None` where nothing can be served.
    pub(crate) listener: Option<listeners::Listener>,
    pub(crate) routes: Vec<RouteTable>,
    /// The clusters that requests go to.
    pub(crate) clusters: BTreeSet<ClusterKey>,
    /// The backends that it depends on.
    pub(crate) named: BTreeSet<Arc<str>>,
    pub(crate) omissions: Vec<Omission>,
}

/// A set of routes.
pub(crate) struct RouteTable {
    /// Without its virtual hosts.
    pub(crate) configuration: routes::RouteConfiguration,
    /// Each with the names of the routes that it is made of.
    pub(crate) virtual_hosts: Vec<Owned>,
    /// The names of all routes.
    pub(crate) owners: BTreeSet<Arc<str>>,
}

/// Listeners of one socket that serve the same host names.
struct Group<'a> {
    listeners: Vec<(&'a Arc<str>, &'a Listener)>,
    /// Their certificates that there are.
    secrets: Vec<&'a str>,
}

impl<'p> Parts<'p> {
    pub(crate) fn build(&self) -> Socket {
        let mut socket = Socket::default();
        let over_tls = self.listeners.first().is_some_and(|(_, first)| first.secrets.is_some());
        let mut groups: BTreeMap<&HostPattern, Group<'p>> = BTreeMap::new();
        for (name, listener) in &self.listeners {
            if listener.secrets.is_some() != over_tls {
                let mut omissions = Omissions::of(name);
                omissions
                    .left_out("protocol", format!("{} already speaks another, and cannot speak both", self.address));
                socket.omissions.extend(omissions.into_vec());
                continue;
            }
            // Of listeners that do not agree the first counts, as with the proxy: others are refused there.
            let agrees = |(_, first): &&(&Arc<str>, &Listener)| {
                (&first.terms, &first.limits) == (&listener.terms, &listener.limits)
            };
            if self.listeners.first().filter(agrees).is_none() {
                let mut omissions = Omissions::of(name);
                omissions.left_out("", format!("{} has other limits or terms of TLS already", self.address));
                socket.omissions.extend(omissions.into_vec());
                continue;
            }
            let group =
                groups.entry(&listener.hosts).or_insert_with(|| Group { listeners: Vec::new(), secrets: Vec::new() });
            group.listeners.push((name, listener));
            for secret in listener.secrets.iter().flatten().filter(|secret| (self.has_secret)(secret)) {
                if !group.secrets.contains(&&**secret) {
                    group.secrets.push(secret);
                }
            }
        }
        if over_tls {
            groups.retain(|_, group| !group.secrets.is_empty());
        }
        if groups.is_empty() {
            return socket;
        }
        let all: BTreeSet<HostPattern> = groups.keys().map(|hosts| (*hosts).clone()).collect();
        let mut routing = Routing::new(self.backends, self.address.port(), cluster::obstacle, Draws::Once);
        let hosts: Vec<_> = groups
            .iter()
            .map(|(hosts, group)| {
                let (owners, virtual_hosts) = self.virtual_hosts(&mut routing, hosts, group, &all);
                (*hosts, group, owners, virtual_hosts)
            })
            .collect();
        let filters = self.filters(&routing.clusters);
        let suffix = suffix(&filters);
        let name = |part: Option<&str>| names::routes(self.address, part, suffix.as_deref());
        let stat_prefix = self.address.port().to_string();
        let Some((_, settings)) = self.listeners.first() else { return socket };
        let mut chains = Vec::new();
        let mut default = None;
        if over_tls {
            for (of, group, owners, virtual_hosts) in &hosts {
                let name = name(Some(&crate::route::domain(of)));
                let others = all.iter().filter(|other| *other != *of);
                let others = others.map(|other| (misdirected(other), BTreeSet::new()));
                let virtual_hosts = virtual_hosts.iter().cloned().chain(others).collect();
                let configuration = routing.configuration(&name);
                socket.routes.push(RouteTable { configuration, virtual_hosts, owners: owners.clone() });
                chains.push(chain(Some(of), &group.secrets, (&name, &stat_prefix), filters.clone(), settings));
            }
            let first = hosts.iter().min_by_key(|(_, group, ..)| group.listeners.first().map(|(name, _)| *name));
            if let Some((_, group, ..)) = first.filter(|_| !all.contains(&HostPattern::Any)) {
                let name = name(Some("default"));
                let secret: Vec<&str> = group.secrets.iter().copied().take(1).collect();
                default = Some(chain(None, &secret, (&name, &stat_prefix), filters, settings));
                let owners = hosts.iter().flat_map(|(_, _, owners, _)| owners.iter().cloned()).collect();
                let virtual_hosts = hosts.into_iter().flat_map(|(.., virtual_hosts)| virtual_hosts).collect();
                let configuration = routing.configuration(&name);
                socket.routes.push(RouteTable { configuration, virtual_hosts, owners });
            }
        } else {
            let name = name(None);
            let owners = hosts.iter().flat_map(|(_, _, owners, _)| owners.iter().cloned()).collect();
            let virtual_hosts = hosts.into_iter().flat_map(|(.., virtual_hosts)| virtual_hosts).collect();
            let configuration = routing.configuration(&name);
            socket.routes.push(RouteTable { configuration, virtual_hosts, owners });
            chains.push(chain(None, &[], (&name, &stat_prefix), filters, settings));
        }
        let name = names::listener(self.address);
        socket.listener = Some(listener(&name, self.address, chains, default, over_tls));
        socket.clusters = routing.clusters;
        socket.named = routing.named;
        socket.omissions.extend(routing.omissions);
        socket.omissions.sort();
        socket.omissions.dedup();
        socket
    }

    /// The virtual hosts of listeners that serve the same names, and the names of their routes.
    fn virtual_hosts(
        &self,
        routing: &mut Routing<'p>,
        hosts: &HostPattern,
        group: &Group<'p>,
        all: &BTreeSet<HostPattern>,
    ) -> (BTreeSet<Arc<str>>, Vec<Owned>) {
        let mut owners = BTreeSet::new();
        let mut candidates = Vec::new();
        for (listener, _) in &group.listeners {
            for (name, route) in (self.routes)(listener) {
                owners.insert(Arc::clone(name));
                candidates.extend(route.candidates(listener, hosts, |index| Some((name, route, index))));
            }
        }
        let virtual_hosts = routing.virtual_hosts(hosts, all, &candidates);
        (owners, virtual_hosts)
    }

    /// The filters of the DNS caches that these clusters go by, and of those that they went by before.
    fn filters(&self, clusters: &BTreeSet<ClusterKey>) -> Vec<HttpFilter> {
        let dynamic: BTreeSet<&Arc<str>> =
            clusters.iter().filter(|key| key.cache.is_some()).map(|key| &key.backend).collect();
        let generations = dynamic.into_iter().filter_map(|backend| self.generations.get(backend));
        generations.flat_map(|of| of.iter()).map(|(cache, settings)| dynamic::filter(cache, settings)).collect()
    }
}

/// What of filters the routes of a socket depend on.
fn suffix(filters: &[HttpFilter]) -> Option<String> {
    if filters.is_empty() {
        return None;
    }
    let mut hash = Xxh3::new();
    for filter in filters {
        hash.update(filter.name.as_bytes());
        hash.update(&[0]);
    }
    Some(format!("{:016x}", hash.digest()))
}
