//! The resources of a fleet, and what of Envoy's comes of them.

mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use backstay_model::{Backend, Listener, Route};
use backstay_proto::config;
use backstay_xds::ResourceChange;
use bytes::Bytes;
use envoy_types::pb::envoy::config::route::v3::Vhds;
use prost::Message;

use self::changes::Emitted;
use crate::cluster;
use crate::generations::Generations;
use crate::grpc;
use crate::names::{self, ClusterKey, TypeUrl};
use crate::omission::{Omission, Omissions, Severity};
use crate::options::{Audience, Options};
use crate::secret;
use crate::socket::{Parts, RouteTable};
use crate::wire::ads;

/// What changes of a fleet's resources change of Envoy's.
#[derive(Debug, Default)]
pub struct Update {
    /// Of each type, in the order of [`TypeUrl::ALL`].
    pub changes: Vec<(TypeUrl, Vec<ResourceChange>)>,
    /// Whether [`View::omissions`] are others than before.
    pub omissions_changed: bool,
}

/// The resources of a fleet as Envoy takes them. Pure: whoever has changes of the fleet gives them, and gets those of the view.
#[derive(Debug, Default)]
pub struct View {
    audience: Audience,
    options: Options,
    listeners: BTreeMap<Arc<str>, Listener>,
    routes: BTreeMap<Arc<str>, Route>,
    /// The routes of each listener.
    by_listener: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    backends: BTreeMap<Arc<str>, Backend>,
    generations: BTreeMap<Arc<str>, Generations>,
    secrets: BTreeMap<Arc<str>, config::Secret>,
    sockets: BTreeMap<SocketAddr, Made>,
    clusters: BTreeMap<ClusterKey, Vec<Omission>>,
    /// What gRPC clients can ask for.
    targets: BTreeSet<(TypeUrl, Arc<str>)>,
    /// What is wrong with resources themselves.
    unread: BTreeMap<Arc<str>, Omission>,
    emitted: Emitted,
    omissions: Vec<Omission>,
}

/// What of a socket is kept.
#[derive(Debug, Default)]
struct Made {
    names: BTreeSet<(TypeUrl, Arc<str>)>,
    clusters: BTreeSet<ClusterKey>,
    named: BTreeSet<Arc<str>>,
    secrets: BTreeSet<Arc<str>>,
    omissions: Vec<Omission>,
}

/// What has to be made anew.
#[derive(Debug, Default)]
struct Dirty {
    sockets: BTreeSet<SocketAddr>,
    /// Backends whose clusters are others.
    backends: BTreeSet<Arc<str>>,
    /// Those of them whose requests go another way: what routes say of them is another as well.
    rerouted: BTreeSet<Arc<str>>,
}

impl View {
    /// A view of nothing.
    #[must_use]
    pub fn new(audience: Audience, options: Options) -> Self {
        Self { audience, options, ..Self::default() }
    }

    /// Takes in changes of resources, by name; `None` stands for one that is gone. Costs as much as the sockets that they are served on, not as
    /// much as there is.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = (Arc<str>, Option<Bytes>)>) -> Update {
        let mut dirty = Dirty::default();
        let mut sent = Vec::new();
        self.emitted.begin();
        for (name, value) in changes {
            self.emitted.changed(&name);
            self.take_in(&name, value, &mut dirty, &mut sent);
        }
        if self.audience == Audience::Grpc {
            self.make_targets(&mut sent);
            return Update { changes: changes::by_type(sent), omissions_changed: false };
        }
        let sockets = self.sockets.iter().filter(|(_, made)| !made.named.is_disjoint(&dirty.rerouted));
        dirty.sockets.extend(sockets.map(|(address, _)| *address));
        for address in &dirty.sockets {
            self.make_socket(*address, &mut sent);
        }
        self.make_clusters(&dirty, &mut sent);
        let omissions = self.collect();
        let omissions_changed = omissions != self.omissions;
        self.omissions = omissions;
        Update { changes: changes::by_type(sent), omissions_changed }
    }

    /// What is not given to Envoy of all that there is.
    #[must_use]
    pub fn omissions(&self) -> &[Omission] {
        &self.omissions
    }

    /// The resources that one of Envoy's is made of, by their names.
    #[must_use]
    pub fn owners(&self, kind: TypeUrl, name: &str) -> &[Arc<str>] {
        self.emitted.owners(kind, name)
    }

    /// Those of them that changed when it last did: what is to blame where it is refused.
    #[must_use]
    pub fn causes(&self, kind: TypeUrl, name: &str) -> &[Arc<str>] {
        self.emitted.causes(kind, name)
    }

    fn socket_of(&self, listener: &Listener) -> SocketAddr {
        listener.socket(self.options.any_address)
    }

    /// The sockets that serve a route.
    fn sockets_of<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = SocketAddr> + 'a {
        let listeners = route.attachments.iter().filter_map(|attachment| self.listeners.get(&attachment.listener));
        listeners.map(|listener| self.socket_of(listener))
    }

    fn make_socket(&mut self, address: SocketAddr, sent: &mut Vec<(TypeUrl, ResourceChange)>) {
        let listeners: Vec<_> =
            self.listeners.iter().filter(|(_, listener)| self.socket_of(listener) == address).collect();
        let owners: BTreeSet<Arc<str>> = listeners.iter().map(|(name, _)| Arc::clone(name)).collect();
        let secrets = listeners.iter().flat_map(|(_, listener)| listener.secrets.iter().flatten().cloned()).collect();
        let (routes, by_listener) = (&self.routes, &self.by_listener);
        let of_listener = |name: &str| {
            let names = by_listener.get(name).into_iter().flatten();
            names.filter_map(|name| routes.get_key_value(name)).collect()
        };
        let parts = Parts {
            address,
            listeners,
            routes: &of_listener,
            backends: &self.backends,
            generations: &self.generations,
            has_secret: &|name| self.secrets.contains_key(name),
        };
        let socket = parts.build();
        let mut made = Made {
            clusters: socket.clusters,
            named: socket.named,
            omissions: socket.omissions,
            secrets,
            ..Made::default()
        };
        if let Some(listener) = &socket.listener {
            let name = names::listener(address);
            self.emitted.put(TypeUrl::Listener, &name, encoded(listener), owners.iter().cloned().collect(), sent);
            made.names.insert((TypeUrl::Listener, name));
        }
        for table in socket.routes {
            self.make_routes(table, &owners, &mut made, sent);
        }
        let before = if made.names.is_empty() && owners.is_empty() {
            self.sockets.remove(&address)
        } else {
            self.sockets.insert(address, made)
        };
        let now = self.sockets.get(&address);
        for (kind, name) in before.map(|made| made.names).unwrap_or_default() {
            if now.is_none_or(|made| !made.names.contains(&(kind, Arc::clone(&name)))) {
                self.emitted.remove(kind, &name, sent);
            }
        }
    }

    /// Makes a set of routes that a socket with these listeners has. Virtual hosts are in it, or sent by themselves.
    fn make_routes(
        &mut self,
        table: RouteTable,
        listeners: &BTreeSet<Arc<str>>,
        made: &mut Made,
        sent: &mut Vec<(TypeUrl, ResourceChange)>,
    ) {
        let RouteTable { mut configuration, virtual_hosts, owners } = table;
        let with_listeners = |owners: &BTreeSet<Arc<str>>| owners.iter().chain(listeners).cloned().collect();
        let name: Arc<str> = configuration.name.as_str().into();
        if self.audience == Audience::EnvoyVhds {
            configuration.vhds = Some(Vhds { config_source: ads() });
            for (mut host, owners) in virtual_hosts {
                host.name = names::virtual_host(&name, &host.name);
                let (name, value) = (host.name.as_str().into(), encoded(&host));
                self.emitted.put(TypeUrl::VirtualHost, &name, value, with_listeners(&owners), sent);
                made.names.insert((TypeUrl::VirtualHost, name));
            }
        } else {
            configuration.virtual_hosts = virtual_hosts.into_iter().map(|(host, _)| host).collect();
        }
        self.emitted.put(TypeUrl::Routes, &name, encoded(&configuration), with_listeners(&owners), sent);
        made.names.insert((TypeUrl::Routes, name));
    }

    /// Makes all targets of gRPC clients. Each may depend on any route, and there are few.
    fn make_targets(&mut self, sent: &mut Vec<(TypeUrl, ResourceChange)>) {
        let parts = grpc::Parts {
            listeners: &self.listeners,
            routes: &self.routes,
            by_listener: &self.by_listener,
            backends: &self.backends,
        };
        let all = parts.all();
        let mut gone = std::mem::take(&mut self.targets);
        for grpc::Made { kind, name, value, owners } in all {
            gone.remove(&(kind, Arc::clone(&name)));
            self.emitted.put(kind, &name, value, owners, sent);
            self.targets.insert((kind, name));
        }
        for (kind, name) in gone {
            self.emitted.remove(kind, &name, sent);
        }
    }

    /// Makes the clusters that are new or of changed backends, and removes those that no socket uses any more.
    fn make_clusters(&mut self, dirty: &Dirty, sent: &mut Vec<(TypeUrl, ResourceChange)>) {
        let mut wanted: BTreeSet<ClusterKey> = BTreeSet::new();
        for key in self.sockets.values().flat_map(|made| &made.clusters) {
            let before = self.generations.get(&key.backend).filter(|_| key.cache.is_some()).into_iter();
            let caches = before.flat_map(Generations::iter);
            wanted.extend(caches.map(|(cache, _)| ClusterKey { cache: Some(Arc::clone(cache)), ..key.clone() }));
            wanted.insert(key.clone());
        }
        let gone: Vec<ClusterKey> = self.clusters.keys().filter(|key| !wanted.contains(*key)).cloned().collect();
        for key in gone {
            self.clusters.remove(&key);
            self.emitted.remove(TypeUrl::Cluster, &key.to_string(), sent);
        }
        for key in wanted {
            if self.clusters.contains_key(&key) && !dirty.backends.contains(&key.backend) {
                continue;
            }
            let backend = match &key.cache {
                Some(cache) => self.generations.get(&key.backend).and_then(|of| of.backend(cache)),
                None => self.backends.get(&key.backend),
            };
            let Some(backend) = backend else { continue };
            let mut omissions = Omissions::of(&key.backend);
            let Some(cluster) = cluster::cluster(&key, backend, &self.options, &mut omissions) else { continue };
            let name: Arc<str> = key.to_string().into();
            self.emitted.put(TypeUrl::Cluster, &name, encoded(&cluster), vec![Arc::clone(&key.backend)], sent);
            let omissions = omissions.into_vec();
            self.clusters.insert(key, omissions);
        }
    }

    fn collect(&self) -> Vec<Omission> {
        let of_sockets = self.sockets.values().flat_map(|made| &made.omissions);
        let all = of_sockets.chain(self.clusters.values().flatten()).chain(self.unread.values());
        let all: BTreeSet<Omission> = all.cloned().collect();
        all.into_iter().collect()
    }
}

fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

#[cfg(test)]
mod tests;
