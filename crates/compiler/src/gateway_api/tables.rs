//! The tables of objects, and what is still to be looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::Kind;
use backstay_resources::apoxy::BACKEND;
use backstay_resources::gateway::GatewayClassSpec;

use super::grants::Grants;
use super::node::{BackendNode, GatewayNode, Port, RouteNode};
use crate::change::ObjectKey;
use crate::last_good::LastGood;
use crate::policy::PolicyModel;

/// Settings of this front end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many bytes one compiled regular expression of a route may take. An expression that needs more is refused in
    /// the route's status. Default 1 MiB; proxies should allow at least as much.
    pub regex_bytes: usize,
    /// Kinds of other front ends whose objects attach to listeners as routes do: what `allowedRoutes` may name beside HTTPRoute.
    /// Default none.
    pub guests: Vec<&'static Kind>,
}

impl Default for Options {
    fn default() -> Self {
        Self { regex_bytes: 1 << 20, guests: Vec::new() }
    }
}

/// All objects, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) options: Options,
    pub(super) classes: HashMap<ObjectKey, LastGood<GatewayClassSpec>>,
    pub(super) proxies: HashSet<Arc<str>>,
    /// What those Proxies that say anything of it say that their fleets tell.
    pub(super) telemetry: HashMap<Arc<str>, LastGood<Option<config::Telemetry>>>,
    /// Labels of each namespace.
    pub(super) namespaces: HashMap<Arc<str>, BTreeMap<String, String>>,
    pub(super) grants: Grants,
    pub(super) gateways: HashMap<ObjectKey, GatewayNode>,
    pub(super) routes: HashMap<ObjectKey, RouteNode>,
    /// Boxed, so that the free places of the table are small ones: there may be very many.
    pub(super) backends: HashMap<Arc<str>, Box<BackendNode>>,
    pub(super) policies: HashMap<Arc<str>, LastGood<PolicyModel>>,
    /// Gateways with a listener that claims the port.
    pub(super) claims: HashMap<Port, BTreeSet<ObjectKey>>,
    pub(super) work: Work,
}

/// What is still to be looked at. Sets are sorted, so that equal changes do equal work.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) classes: BTreeSet<ObjectKey>,
    /// Ports whose owners may differ.
    pub(super) ports: BTreeSet<Port>,
    /// Backends that may compile differently.
    pub(super) backends: BTreeSet<Arc<str>>,
    /// What has to be said may differ.
    pub(super) gateway_reports: BTreeSet<ObjectKey>,
    pub(super) backend_reports: BTreeSet<Arc<str>>,
    pub(super) policy_reports: BTreeSet<Arc<str>>,
}

impl Tables {
    pub(super) fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }
}

/// The Backend of a name.
pub(super) fn backend_key(name: &Arc<str>) -> ObjectKey {
    ObjectKey { kind: &BACKEND, namespace: Arc::default(), name: name.clone() }
}
