//! What gRPC clients take that resolve `xds:///TARGET` by themselves: for each target a listener, its routes, clusters and endpoints.
//!
//! A target is a host name that routes have, with the listener's port or without, or the name of a Backend with a port that some route names, or
//! without. Names that hold others (`*.example.com`) are no targets. What clients do themselves is theirs: TLS is in their credentials.
//!
//! Source: gRFC A27, A28, A31, A37, A44 and A50.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_balancer::Policy as Choice;
use backstay_model::{Backend, Discovery, HostPattern, Listener, Protocol, ResourceName, Route, StaticHost};
use bytes::Bytes;
use envoy_types::pb::envoy::config::cluster::v3 as clusters;
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::listener::v3 as listeners;
use envoy_types::pb::envoy::config::route::v3 as routes;
use prost::Message;
use routes::route_match::PathSpecifier;

use crate::cluster;
use crate::listener::clients;
use crate::names::{ClusterKey, TypeUrl};
use crate::route::{Draws, Routing};
use crate::wire::{ads, number, regex};

/// What there is of a fleet.
pub(crate) struct Parts<'a> {
    pub(crate) listeners: &'a BTreeMap<Arc<str>, Listener>,
    pub(crate) routes: &'a BTreeMap<Arc<str>, Route>,
    pub(crate) by_listener: &'a BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    pub(crate) backends: &'a BTreeMap<Arc<str>, Backend>,
}

/// A resource for clients, and the names of what it is made of.
pub(crate) struct Made {
    pub(crate) kind: TypeUrl,
    pub(crate) name: Arc<str>,
    pub(crate) value: Bytes,
    pub(crate) owners: Vec<Arc<str>>,
}

impl Made {
    fn of(kind: TypeUrl, name: &str, message: &impl Message, owners: Vec<Arc<str>>) -> Self {
        Self { kind, name: name.into(), value: message.encode_to_vec().into(), owners }
    }
}

impl Parts<'_> {
    /// Everything that clients can ask for.
    pub(crate) fn all(&self) -> Vec<Made> {
        let mut used: BTreeSet<ClusterKey> = BTreeSet::new();
        let mut targets: BTreeMap<String, (Vec<routes::VirtualHost>, BTreeSet<Arc<str>>)> = BTreeMap::new();
        for (port, listeners) in self.by_port() {
            self.hosts(port, &listeners, &mut targets, &mut used);
        }
        let ports: BTreeSet<(Arc<str>, NonZeroU16)> = self
            .routes
            .values()
            .flat_map(|route| {
                let of = |name: Arc<str>| route.port_of(&name).map(|port| (name, port));
                route.backends().into_iter().filter_map(of)
            })
            .chain(used.iter().filter_map(|key| Some((Arc::clone(&key.backend), key.port?))))
            .collect();
        // The lowest port is that of a Backend which is asked for without one.
        for (resource, port) in ports.into_iter().rev() {
            let Some(backend) = self.backends.get(&resource) else { continue };
            if obstacle(backend, Some(port)).is_some() {
                continue;
            }
            let key = ClusterKey { backend: Arc::clone(&resource), port: Some(port), cache: None };
            let name = ResourceName::backend(&resource).unwrap_or(&resource);
            for target in [format!("{name}:{port}"), name.to_owned()] {
                targets.insert(target, (vec![everything(&key)], BTreeSet::from([Arc::clone(&resource)])));
            }
            used.insert(key);
        }
        let mut made = Vec::new();
        for (target, (virtual_hosts, owners)) in targets {
            let name = format!("routes/{target}");
            let owners: Vec<Arc<str>> = owners.into_iter().collect();
            let listener =
                listeners::Listener { name: target.clone(), api_listener: Some(clients(&name)), ..Default::default() };
            made.push(Made::of(TypeUrl::Listener, &target, &listener, owners.clone()));
            let configuration = routes::RouteConfiguration { name: name.clone(), virtual_hosts, ..Default::default() };
            made.push(Made::of(TypeUrl::Routes, &name, &configuration, owners));
        }
        made.extend(used.iter().flat_map(|key| self.cluster(key)));
        made
    }

    fn by_port(&self) -> BTreeMap<u16, Vec<(&Arc<str>, &Listener)>> {
        let mut all: BTreeMap<u16, Vec<_>> = BTreeMap::new();
        for (name, listener) in self.listeners {
            all.entry(listener.port.get()).or_default().push((name, listener));
        }
        all
    }

    /// The targets that hosts of the routes at a port are. Where ports have the same host, the lowest has it without a port.
    fn hosts(
        &self,
        port: u16,
        listeners: &[(&Arc<str>, &Listener)],
        targets: &mut BTreeMap<String, (Vec<routes::VirtualHost>, BTreeSet<Arc<str>>)>,
        used: &mut BTreeSet<ClusterKey>,
    ) {
        let all: BTreeSet<HostPattern> = listeners.iter().map(|(_, listener)| listener.hosts.clone()).collect();
        for hosts in &all {
            let mut routing = Routing::new(self.backends, port, obstacle, Draws::Each);
            let (mut candidates, mut owners) = (Vec::new(), BTreeSet::new());
            for (name, _) in listeners.iter().filter(|(_, listener)| listener.hosts == *hosts) {
                owners.insert(Arc::clone(name));
                for (route, of) in
                    self.by_listener.get(*name).into_iter().flatten().filter_map(|of| self.routes.get_key_value(of))
                {
                    owners.insert(Arc::clone(route));
                    candidates.extend(of.candidates(name, hosts, |index| Some((route, of, index))));
                }
            }
            for (mut host, _) in routing.virtual_hosts(hosts, &all, &candidates) {
                let Some(name) = host.domains.first().filter(|name| !name.contains('*')).cloned() else { continue };
                host.domains = vec!["*".to_owned()];
                host.routes.iter_mut().for_each(portable);
                for target in [format!("{name}:{port}"), name] {
                    targets.entry(target).or_insert_with(|| (vec![host.clone()], owners.clone()));
                }
            }
            used.extend(routing.clusters);
        }
    }

    /// A cluster, and its endpoints where these are told apart.
    fn cluster(&self, key: &ClusterKey) -> Vec<Made> {
        let (Some(backend), Some(port)) = (self.backends.get(&key.backend), key.port) else { return Vec::new() };
        let Discovery::Static(list) = &backend.discovery else { return Vec::new() };
        let (name, owners) = (key.to_string(), vec![Arc::clone(&key.backend)]);
        let (_, mut assignment) = cluster::assignment(&name, list, port, backend);
        for group in &mut assignment.endpoints {
            // Clients leave out what has no weight, and want to be told where each is.
            group.locality.get_or_insert_with(core::Locality::default);
            group.load_balancing_weight = group.load_balancing_weight.or(number(1));
        }
        let by_name = list.iter().any(|endpoint| matches!(endpoint.host, StaticHost::Name { .. }));
        let policy = match backend.spec.policy.balancing.policy {
            Choice::RingHash(_) => clusters::cluster::LbPolicy::RingHash,
            // The others are not known to all clients, and what one does not know it refuses.
            _ => clusters::cluster::LbPolicy::RoundRobin,
        };
        let kind =
            if by_name { clusters::cluster::DiscoveryType::LogicalDns } else { clusters::cluster::DiscoveryType::Eds };
        let mut made = clusters::Cluster {
            name: name.clone(),
            cluster_discovery_type: Some(clusters::cluster::ClusterDiscoveryType::Type(kind.into())),
            lb_policy: policy.into(),
            circuit_breakers: Some(cluster::circuit_breakers(&backend.limits)),
            outlier_detection: backend.spec.policy.outlier.as_ref().map(cluster::detection),
            ..Default::default()
        };
        if by_name {
            made.load_assignment = Some(assignment);
            return vec![Made::of(TypeUrl::Cluster, &name, &made, owners)];
        }
        made.eds_cluster_config =
            Some(clusters::cluster::EdsClusterConfig { eds_config: ads(), service_name: name.clone() });
        vec![
            Made::of(TypeUrl::Cluster, &name, &made, owners.clone()),
            Made::of(TypeUrl::Endpoints, &name, &assignment, owners),
        ]
    }
}

/// Why gRPC clients cannot go to a backend, as what follows its name.
fn obstacle(backend: &Backend, port: Option<NonZeroU16>) -> Option<&'static str> {
    if let Some(why) = cluster::obstacle(backend, port) {
        return Some(why);
    }
    if backend.tls.is_some() {
        return Some("is reached over TLS, which gRPC clients set up by themselves");
    }
    if backend.spec.protocol == Protocol::Http1 {
        return Some("speaks HTTP/1.1, and gRPC needs HTTP/2");
    }
    match &backend.discovery {
        Discovery::Dynamic(_) => Some("goes where requests say, which gRPC clients do not"),
        Discovery::Static(list) => {
            let by_name = list.iter().any(|endpoint| matches!(endpoint.host, StaticHost::Name { .. }));
            (by_name && list.len() > 1)
                .then_some("has a name among several endpoints, of which gRPC clients take one alone")
        }
    }
}

/// All requests to one cluster.
fn everything(key: &ClusterKey) -> routes::VirtualHost {
    let condition =
        routes::RouteMatch { path_specifier: Some(PathSpecifier::Prefix(String::new())), ..Default::default() };
    let cluster = routes::route_action::ClusterSpecifier::Cluster(key.to_string());
    let action = routes::RouteAction { cluster_specifier: Some(cluster), ..Default::default() };
    let route = routes::Route {
        r#match: Some(condition),
        action: Some(routes::route::Action::Route(action)),
        ..Default::default()
    };
    routes::VirtualHost {
        name: key.to_string(),
        domains: vec!["*".to_owned()],
        routes: vec![route],
        ..Default::default()
    }
}

/// Puts a condition that clients do not know in words that they do.
fn portable(route: &mut routes::Route) {
    let Some(condition) = &mut route.r#match else { return };
    if let Some(PathSpecifier::PathSeparatedPrefix(prefix)) = &condition.path_specifier {
        let pattern = format!("{}(?:/.*)?", regex_syntax::escape(prefix));
        condition.path_specifier = Some(PathSpecifier::SafeRegex(regex(&pattern)));
    }
}

#[cfg(test)]
mod tests;
