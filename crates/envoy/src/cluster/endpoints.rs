//! Where endpoints are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU16;

use backstay_balancer::{ConfiguredHealth, EndpointKey, Policy as Choice};
use backstay_destination::lookup::Family;
use backstay_model::{Backend, StaticEndpoint, StaticEndpoints, StaticHost};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::DiscoveryType;
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::endpoint::v3 as pb;
use envoy_types::pb::google::protobuf;
use pb::cluster_load_assignment::Policy;
use pb::endpoint::HealthCheckConfig;
use pb::lb_endpoint::HostIdentifier;

use crate::omission::Omissions;
use crate::wire::{address, family, number};

/// The endpoints of a list, and how they are found.
pub(crate) fn assignment(
    name: &str,
    list: &StaticEndpoints,
    port: NonZeroU16,
    backend: &Backend,
) -> (DiscoveryType, pb::ClusterLoadAssignment) {
    let by_name = list.iter().any(|endpoint| matches!(endpoint.host, StaticHost::Name { .. }));
    let kind = if by_name { DiscoveryType::StrictDns } else { DiscoveryType::Static };
    // Envoy takes priorities without gaps.
    let priorities: BTreeSet<u32> = list.iter().map(|endpoint| endpoint.priority).collect();
    let place = |priority: u32| u32::try_from(priorities.range(..priority).count()).unwrap_or(u32::MAX);
    let mut groups: BTreeMap<(u32, u32), pb::LocalityLbEndpoints> = BTreeMap::new();
    for endpoint in list.iter() {
        let locality = endpoint.locality;
        let group = groups.entry((place(endpoint.priority), locality.id)).or_insert_with(|| {
            let weighted = backend.spec.policy.balancing.locality_weighted && locality.weight > 0;
            let zone = core::Locality { zone: locality.id.to_string(), ..Default::default() };
            pb::LocalityLbEndpoints {
                locality: (locality.id > 0).then_some(zone),
                load_balancing_weight: if weighted { number(locality.weight) } else { None },
                priority: place(endpoint.priority),
                ..Default::default()
            }
        });
        group.lb_endpoints.push(one(endpoint, port, backend));
    }
    let policy = Policy {
        overprovisioning_factor: number(backend.spec.policy.balancing.overprovisioning_factor),
        ..Default::default()
    };
    let assignment = pb::ClusterLoadAssignment {
        cluster_name: name.to_owned(),
        endpoints: groups.into_values().collect(),
        policy: Some(policy),
        ..Default::default()
    };
    (kind, assignment)
}

fn one(endpoint: &StaticEndpoint, port: NonZeroU16, backend: &Backend) -> pb::LbEndpoint {
    let (host, hostname) = match &endpoint.host {
        StaticHost::Ip(ip) => (ip.to_string(), String::new()),
        StaticHost::Name { name, .. } | StaticHost::Srv(name) => (name.to_string(), name.to_string()),
    };
    let checks = &backend.spec.policy.health;
    let check = checks.first().map(|check| HealthCheckConfig {
        port_value: check.port.map_or(0, |port| port.get().into()),
        // Without it checks would be for the name of the cluster.
        hostname: if hostname.is_empty() { format!("{host}:{port}") } else { hostname.clone() },
        ..Default::default()
    });
    let health_status = match endpoint.stated {
        ConfiguredHealth::Healthy => core::HealthStatus::Unknown,
        ConfiguredHealth::Degraded => core::HealthStatus::Degraded,
        ConfiguredHealth::Unhealthy => core::HealthStatus::Unhealthy,
    };
    let metadata = hash_key(endpoint, backend);
    let host = pb::Endpoint {
        address: Some(address(&host, port.get())),
        health_check_config: check,
        hostname,
        ..Default::default()
    };
    pb::LbEndpoint {
        health_status: health_status.into(),
        load_balancing_weight: number(endpoint.weight),
        host_identifier: Some(HostIdentifier::Endpoint(host)),
        metadata,
    }
}

/// What an endpoint is hashed by, where that is not its address and port.
fn hash_key(endpoint: &StaticEndpoint, backend: &Backend) -> Option<core::Metadata> {
    let balancing = &backend.spec.policy.balancing;
    let hashes = matches!(balancing.policy, Choice::RingHash(_) | Choice::Maglev(_));
    if !hashes || balancing.endpoint_key != EndpointKey::Address {
        return None;
    }
    let StaticHost::Ip(ip) = &endpoint.host else { return None };
    let key = protobuf::Value { kind: Some(protobuf::value::Kind::StringValue(ip.to_string())) };
    let fields = protobuf::Struct { fields: HashMap::from([("hash_key".to_owned(), key)]) };
    Some(core::Metadata { filter_metadata: HashMap::from([("envoy.lb".to_owned(), fields)]), ..Default::default() })
}

/// How the names of endpoints are looked up.
#[allow(deprecated, reason = "the extension that takes its place is younger than many Envoys in use")]
pub(super) fn lookups(cluster: &mut Cluster, list: &StaticEndpoints, omissions: &mut Omissions<'_>) {
    let mut families = list.iter().filter_map(|endpoint| match endpoint.host {
        StaticHost::Name { family, .. } => Some(family),
        _ => None,
    });
    let first = families.next().unwrap_or(Family::V4Preferred);
    if families.any(|family| family != first) {
        omissions.approximate("static.endpoints", "all have the lookup family of the first of them: a cluster has one");
    }
    cluster.dns_lookup_family = family(first).into();
    cluster.respect_dns_ttl = true;
}
