//! What is known of each object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_resources::gateway::{
    APOXY_GATEWAY_CLASS, GATEWAY, GATEWAY_CLASS, GatewaySpec, HttpRouteSpec, RouteGroupKind,
};

use crate::backend::BackendModel;
use crate::change::ObjectKey;
use crate::gateway::{Conflict, GatewayStatus, Placement};
use crate::last_good::LastGood;
use crate::output::{Condition, FleetResource};
use crate::route::GatewayView;
use crate::secret::SecretUse;

/// A port of a fleet.
pub(super) type Port = (Arc<str>, u16);

/// A Backend.
#[derive(Debug)]
pub(super) struct BackendNode {
    pub(super) source: LastGood<BackendModel>,
    /// The name of its discovery resource.
    pub(super) resource: Arc<str>,
    /// Its last good compilation.
    pub(super) compiled: Option<CompiledBackend>,
    /// What is wrong with its policy's references.
    pub(super) refs_fault: Option<Box<RefFault>>,
    /// Whether `compiled` is of another version than the present one.
    pub(super) stale: bool,
}

/// A compiled Backend.
#[derive(Debug)]
pub(super) struct CompiledBackend {
    pub(super) dynamic: bool,
    pub(super) secrets: Box<[SecretUse]>,
}

/// What is wrong with a reference to a Secret.
#[derive(Debug)]
pub(super) struct RefFault {
    /// The reason that conditions give.
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// A Gateway.
#[derive(Debug)]
pub(super) struct GatewayNode {
    pub(super) source: LastGood<GatewaySpec>,
    /// What routes see. `None` until it has been looked at.
    pub(super) view: Option<GatewayView>,
    /// Ports that its listeners claim.
    pub(super) ports: BTreeSet<Port>,
    /// By position of the listener.
    pub(super) conflicts: BTreeMap<usize, Conflict>,
    pub(super) listeners: Vec<ListenerNotes>,
}

/// What the status says about a listener.
#[derive(Debug)]
pub(super) struct ListenerNotes {
    pub(super) supported_kinds: Vec<RouteGroupKind>,
    pub(super) conditions: Vec<Condition>,
    /// What proxies must have for it, its Secrets included.
    pub(super) programs: Vec<FleetResource>,
}

/// A route.
#[derive(Debug)]
pub(super) struct RouteNode {
    pub(super) source: LastGood<HttpRouteSpec>,
}

impl BackendNode {
    pub(super) fn new(source: LastGood<BackendModel>, resource: Arc<str>) -> Self {
        Self { source, resource, compiled: None, refs_fault: None, stale: false }
    }
}

impl GatewayNode {
    pub(super) fn new(source: LastGood<GatewaySpec>) -> Self {
        Self { source, view: None, ports: BTreeSet::new(), conflicts: BTreeMap::new(), listeners: Vec::new() }
    }

    pub(super) fn placement(&self) -> Option<&Arc<Placement>> {
        match self.view.as_ref().map(|view| &view.status) {
            Some(GatewayStatus::Served(placement)) => Some(placement),
            _ => None,
        }
    }

    /// Whether labels of namespaces matter to its routes.
    pub(super) fn has_selector(&self) -> bool {
        let listeners = self.view.iter().flat_map(|view| &view.listeners);
        listeners.into_iter().any(|listener| listener.allowed.has_selector())
    }
}

impl RouteNode {
    pub(super) fn new(source: LastGood<HttpRouteSpec>) -> Self {
        Self { source }
    }
}

/// The class that a Gateway names: of the same API group.
pub(super) fn class_key(gateway: &ObjectKey, spec: &GatewaySpec) -> ObjectKey {
    let kind = if gateway.kind.group == GATEWAY.group { &GATEWAY_CLASS } else { &APOXY_GATEWAY_CLASS };
    ObjectKey::new(kind, "", &spec.gateway_class_name)
}
