//! Where a configuration is served.

use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey};
use backstay_model::{FleetName, ResourceName};
use backstay_resources::backstay::BACKEND_POLICY;
use backstay_resources::gateway::{APOXY_GATEWAY, GATEWAY};

use super::overlap::FleetListener;
use super::secrets;
use crate::kind::{GatewayRef, KrakendConfigSpec};

/// The group of Gateways of the cluster.
const CLUSTER_GROUP: &str = "gateway.apoxy.dev";

/// The fleet that has the listener of a configuration which names no Gateway.
pub(super) fn fleet(spec: &KrakendConfigSpec) -> Arc<str> {
    FleetName::meant_by(spec.fleet.as_deref().unwrap_or_default()).into()
}

/// The Gateway that a configuration names.
pub(super) fn gateway(key: &ObjectKey, gateway: &GatewayRef) -> ObjectKey {
    match gateway.group.as_deref() {
        Some(CLUSTER_GROUP) => ObjectKey::new(&APOXY_GATEWAY, "", &gateway.name),
        _ => ObjectKey::new(&GATEWAY, &key.namespace, &gateway.name),
    }
}

/// What a configuration refers to: its Gateway, and the Secrets that files are kept in.
pub(super) fn links(key: &ObjectKey, spec: &KrakendConfigSpec) -> Vec<ObjectKey> {
    spec.gateway_ref.iter().map(|it| gateway(key, it)).chain(secrets(key, spec)).collect()
}

/// A policy that hosts of a configuration have.
pub(super) fn policy(name: &str) -> ObjectKey {
    ObjectKey::new(&BACKEND_POLICY, "", name)
}

/// The listeners of a Gateway that a configuration is served on.
pub(super) fn listeners(key: &ObjectKey, wanted: &GatewayRef, graph: &Graph) -> Vec<FleetListener> {
    let placed = graph.placed(&gateway(key, wanted)).iter();
    let is_wanted = |resource: &str| match ResourceName::parse(resource) {
        Some(ResourceName::Listener { listener, .. }) => {
            wanted.section_name.as_deref().is_none_or(|section| section == listener)
        }
        _ => false,
    };
    placed.filter(|(_, resource)| is_wanted(resource)).cloned().collect()
}
