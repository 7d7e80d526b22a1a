//! Services, as they change: what proxies hold of them, and what is said about them.
//!
//! A service has one route, with the sequence of its active version, on every listener of its Gateway. What is not active never
//! gets here further than into a table.
//!
//! # Layout
//!
//! - `service`: from a service to what proxies hold. `placement`: where its Gateway listens. `lookups`: dictionaries and access
//!   lists, which change without a version.

mod lookups;
mod placement;
mod service;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use backstay_compiler::{FrontEnd, Graph, LastGood, ObjectKey};
use backstay_resources::{Kind, Object};

use self::placement::GatewayName;
use super::version::Compiled;
use crate::object::{
    FASTLY_ACL, FASTLY_DICTIONARY, FASTLY_SERVICE, FASTLY_VERSION, FastlyService, FastlyVersion, KINDS, ServiceSpec,
    VersionSpec,
};

/// Settings of the front end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `NAMESPACE/NAME` of the Gateway of services that name none. None: these are not served.
    pub default_gateway: Option<String>,
    /// Header that tells clients which backend a response came from, and why it did not. Empty, the default: none.
    pub backend_header: String,
}

/// Compiles services and their versions, dictionaries and access lists.
#[derive(Debug, Default)]
pub struct FastlyFrontEnd {
    options: Options,
    services: HashMap<ObjectKey, ServiceNode>,
    /// By the names of their objects; drafts are here as well, and go no further.
    versions: HashMap<Arc<str>, LastGood<VersionSpec>>,
    /// Identifiers of dictionaries and access lists that there are.
    lookups: BTreeSet<ObjectKey>,
    /// Services that each Gateway serves.
    gateways: BTreeMap<GatewayName, BTreeSet<ObjectKey>>,
    /// Gateways with perhaps other services or listeners than before.
    touched: BTreeSet<GatewayName>,
}

/// A service.
struct ServiceNode {
    source: LastGood<ServiceSpec>,
    /// The last version that was active and could be compiled.
    served: Option<Compiled>,
    /// Resources that it offers.
    offered: BTreeSet<Arc<str>>,
    /// The Gateway that counts it.
    gateway: Option<GatewayName>,
}

impl fmt::Debug for ServiceNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, served, offered, gateway } = self;
        let mut shown = formatter.debug_struct("ServiceNode");
        shown.field("source", source).field("is_served", &served.is_some());
        shown.field("offered", offered).field("gateway", gateway).finish()
    }
}

impl FastlyFrontEnd {
    /// A front end that knows no objects.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    fn read_service(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let before = self.services.get(key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<FastlyService>().map(|service| service.spec);
        let Some(source) = graph.diff(key, object, before, parse) else { return };
        // Another object of the same name starts without a past.
        let replaced = before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid);
        if replaced {
            self.remove_service(key, graph);
        }
        let Some(source) = source else { return };
        match self.services.get_mut(key) {
            Some(node) => node.source = source,
            None => {
                let node = ServiceNode { source, served: None, offered: BTreeSet::new(), gateway: None };
                self.services.insert(key.clone(), node);
            }
        }
        graph.touch(key.clone());
    }

    fn read_version(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let parse = |object: &Object| object.typed::<FastlyVersion>().map(|version| version.spec);
        let Some(source) = graph.diff(key, object, self.versions.get(&key.name), parse) else { return };
        match source {
            Some(source) => self.versions.insert(key.name.clone(), source),
            None => self.versions.remove(&key.name),
        };
        // Only the service whose active version it is has a link to it.
        graph.changed(key);
    }
}

impl FrontEnd for FastlyFrontEnd {
    fn kinds(&self) -> &[&'static Kind] {
        &KINDS
    }

    fn read(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        if *key.kind == FASTLY_SERVICE {
            self.read_service(key, object, graph);
        } else if *key.kind == FASTLY_VERSION {
            self.read_version(key, object, graph);
        } else if *key.kind == FASTLY_ACL || *key.kind == FASTLY_DICTIONARY {
            self.read_lookup(key, object, graph);
        }
    }

    fn compile(&mut self, graph: &mut Graph) {
        for key in graph.take_dirty(&FASTLY_SERVICE) {
            self.compile_service(&key, graph);
        }
        for gateway in std::mem::take(&mut self.touched) {
            self.place_unknown_hosts(&gateway, graph);
        }
    }
}
