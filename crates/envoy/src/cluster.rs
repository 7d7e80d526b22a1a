//! Clusters: a backend and a port, as Envoy's.
//!
//! Endpoints stand in their cluster. Were they apart (EDS), every change of a cluster would wait until they are sent once more, and the cluster
//! of before would serve meanwhile.
//!
//! - `endpoints`: where they are. `balancing`: how one is chosen. `health`: active checks. `outlier`: ejection. `limits`: circuit breakers.
//! - `tls`: TLS to endpoints. `protocol`: HTTP, and how connections are kept.

mod balancing;
mod endpoints;
mod health;
mod limits;
mod outlier;
mod protocol;
mod tls;

use std::num::NonZeroU16;

use backstay_model::{Backend, Discovery, StaticHost};
use envoy_types::pb::envoy::config::cluster::v3 as pb;
use pb::cluster::ClusterDiscoveryType;

pub(crate) use endpoints::assignment;
pub(crate) use limits::circuit_breakers;
pub(crate) use outlier::detection;

use crate::dynamic;
use crate::names::ClusterKey;
use crate::omission::Omissions;
use crate::options::Options;
use crate::wire::{duration, number};

/// Why Envoy can have no cluster of a backend with this port, as what follows its name.
pub(crate) fn obstacle(backend: &Backend, port: Option<NonZeroU16>) -> Option<&'static str> {
    match &backend.discovery {
        Discovery::Static(list) if list.iter().any(|endpoint| matches!(endpoint.host, StaticHost::Srv(_))) => {
            Some("has endpoints that are found by SRV records: Envoy finds none by them")
        }
        Discovery::Static(_) => port.is_none().then_some("needs a port, and the rule names none"),
        Discovery::Dynamic(found) if !found.settings.rules.ports.is_empty() => {
            Some("bounds the ports that it goes to: Envoy's dynamic forward proxy goes to any")
        }
        Discovery::Dynamic(_) => {
            let usual = if backend.tls.is_some() { 443 } else { 80 };
            let other = port.is_some_and(|port| port.get() != usual);
            other.then_some("goes to a port of the rule's: Envoy's dynamic forward proxy takes it from the request")
        }
    }
}

/// The cluster of a backend that has no [`obstacle`]. `None` where Envoy can have none; `omissions` says why then.
pub(crate) fn cluster(
    key: &ClusterKey,
    backend: &Backend,
    options: &Options,
    omissions: &mut Omissions<'_>,
) -> Option<pb::Cluster> {
    let name = key.to_string();
    let policy = &backend.spec.policy;
    let mut cluster = pb::Cluster {
        name: name.clone(),
        connect_timeout: duration(backend.spec.timeouts.connect),
        circuit_breakers: Some(limits::circuit_breakers(&backend.limits)),
        outlier_detection: policy.outlier.as_ref().map(outlier::detection),
        upstream_connection_options: protocol::keepalive(policy.connections.keepalive),
        preconnect_policy: protocol::preconnect(policy.connections.preconnect_percent),
        ..Default::default()
    };
    protocol::note(backend, omissions);
    cluster.typed_extension_protocol_options = protocol::options(backend);
    match &backend.discovery {
        Discovery::Static(list) => {
            let port = key.port?;
            let (kind, assignment) = endpoints::assignment(&name, list, port, backend);
            cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(kind.into()));
            cluster.load_assignment = Some(assignment);
            if kind == pb::cluster::DiscoveryType::StrictDns {
                endpoints::lookups(&mut cluster, list, omissions);
            }
            balancing::balance(&mut cluster, policy);
            cluster.health_checks = health::checks(&policy.health, backend, omissions);
            cluster.transport_socket = backend.tls.as_deref().map(|spec| tls::of_static(spec, list, backend, options));
        }
        Discovery::Dynamic(found) => {
            let settings = &found.settings;
            // Without TLS there is no name to send or verify, and it wants to be told that as well.
            let insecure = backend.tls.as_deref().is_none_or(tls::names_another);
            cluster.cluster_discovery_type =
                Some(ClusterDiscoveryType::ClusterType(dynamic::cluster(&name, settings, insecure)));
            cluster.lb_policy = pb::cluster::LbPolicy::ClusterProvided.into();
            dynamic::note(settings, omissions);
            if !policy.health.is_empty() {
                omissions.approximate("health_checks", "are not made of the endpoints of a dynamic backend");
            }
            cluster.transport_socket = backend.tls.as_deref().map(|spec| tls::of_dynamic(spec, backend, options));
        }
    }
    Some(cluster)
}

/// A limit; none is the largest number, since what is not set is Envoy's 1024.
const fn bound(limit: Option<u32>) -> Option<envoy_types::pb::google::protobuf::UInt32Value> {
    match limit {
        Some(limit) => number(limit),
        None => number(u32::MAX),
    }
}

#[cfg(test)]
mod tests;
