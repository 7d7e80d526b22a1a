use std::sync::Arc;

use backstay_model::Backend;
use backstay_proto::config::{
    self, ClientTls, Endpoint, Limits, LoadBalancing, Locality, OutlierDetection, StaticEndpoints, backend, endpoint,
    load_balancing,
};
use envoy_types::pb::envoy::config::cluster::v3 as pb;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use pb::cluster::{ClusterDiscoveryType, DiscoveryType, LbPolicy};
use prost::Message;

use super::cluster;
use crate::names::ClusterKey;
use crate::omission::Omissions;
use crate::options::Options;

fn ip(address: &str, priority: u32, zone: &str) -> Endpoint {
    let locality = (!zone.is_empty()).then(|| Locality { zone: zone.to_owned(), weight: 2, ..Default::default() });
    Endpoint { host: Some(endpoint::Host::Ip(address.to_owned())), priority, locality, ..Default::default() }
}

fn fqdn(name: &str) -> Endpoint {
    Endpoint { host: Some(endpoint::Host::Fqdn(name.to_owned())), ..Default::default() }
}

fn made(message: &config::Backend) -> pb::Cluster {
    let backend = Backend::try_from(message).unwrap();
    let name: Arc<str> = "backend/b".into();
    let key = ClusterKey { backend: Arc::clone(&name), port: 443.try_into().ok(), cache: None };
    let cluster = cluster(&key, &backend, &Options::default(), &mut Omissions::of(&name)).unwrap();
    // One encoding is what a version is made of: it must be the same each time.
    assert_eq!(cluster.encode_to_vec(), cluster.clone().encode_to_vec());
    cluster
}

fn of(endpoints: Vec<Endpoint>) -> config::Backend {
    let list = StaticEndpoints { endpoints, ..Default::default() };
    config::Backend { discovery: Some(backend::Discovery::Static(list)), ..Default::default() }
}

#[test]
fn endpoints_stand_in_groups_without_gaps_between_priorities() {
    let cluster =
        made(&of(vec![ip("10.0.0.1", 3, "a"), ip("10.0.0.2", 0, ""), ip("10.0.0.3", 3, "a"), ip("10.0.0.4", 3, "b")]));
    assert_eq!(cluster.cluster_discovery_type, Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())));
    let groups: Vec<_> = cluster.load_assignment.unwrap().endpoints;
    let shape: Vec<_> = groups.iter().map(|group| (group.priority, group.lb_endpoints.len())).collect();
    assert_eq!(shape, [(0, 1), (1, 2), (1, 1)]);
    let by_name = made(&of(vec![ip("10.0.0.1", 0, ""), fqdn("a.example")]));
    assert_eq!(by_name.cluster_discovery_type, Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into())));
}

#[test]
fn what_is_not_said_is_our_default_and_not_envoys() {
    let cluster = made(&of(vec![ip("10.0.0.1", 0, "")]));
    let thresholds = &cluster.circuit_breakers.unwrap().thresholds[0];
    assert_eq!(thresholds.max_requests.unwrap().value, u32::MAX);
    assert_eq!(thresholds.max_connections.unwrap().value, 1024);
    assert_eq!(thresholds.max_retries.unwrap().value, 3);
    assert_eq!(cluster.outlier_detection, None);
    assert_eq!(cluster.connect_timeout.unwrap().seconds, 5);
    assert_eq!(cluster.common_lb_config.unwrap().healthy_panic_threshold.unwrap().value, 50.0);
}

#[test]
fn settings_have_envoys_words() {
    let policy =
        load_balancing::Policy::LeastRequest(load_balancing::LeastRequest { choice_count: 5, ..Default::default() });
    let backend = config::Backend {
        load_balancing: Some(LoadBalancing {
            policy: Some(policy),
            overprovisioning_factor: 200,
            ..Default::default()
        }),
        limits: Some(Limits { connections_per_endpoint: Some(7), requests: Some(9), ..Default::default() }),
        outlier_detection: Some(OutlierDetection {
            consecutive_5xx: Some(0),
            consecutive_gateway_failure: Some(4),
            ..Default::default()
        }),
        ..of(vec![ip("10.0.0.1", 0, "")])
    };
    let cluster = made(&backend);
    assert_eq!(cluster.lb_policy, i32::from(LbPolicy::LeastRequest));
    let breakers = cluster.circuit_breakers.unwrap();
    assert_eq!(breakers.thresholds[0].max_requests.unwrap().value, 9);
    assert_eq!(breakers.per_host_thresholds[0].max_connections.unwrap().value, 7);
    let outliers = cluster.outlier_detection.unwrap();
    assert_eq!(outliers.enforcing_consecutive_5xx.unwrap().value, 0);
    assert_eq!(outliers.enforcing_consecutive_gateway_failure.unwrap().value, 100);
    assert_eq!(cluster.load_assignment.unwrap().policy.unwrap().overprovisioning_factor.unwrap().value, 200);
}

fn tls(cluster: &pb::Cluster) -> UpstreamTlsContext {
    use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
    let Some(ConfigType::TypedConfig(any)) = &cluster.transport_socket.as_ref().unwrap().config_type else {
        panic!("no TLS");
    };
    UpstreamTlsContext::decode(&*any.value).unwrap()
}

#[test]
fn endpoints_prove_the_name_that_they_were_sent_or_the_one_that_is_said() {
    let protocol = config::backend::Protocol::Http2Tls.into();
    let own = tls(&made(&config::Backend { protocol, ..of(vec![fqdn("a.example"), fqdn("b.example")]) }));
    assert!(own.auto_host_sni && own.auto_sni_san_validation && own.sni.is_empty());
    assert_eq!(own.common_tls_context.unwrap().alpn_protocols, ["h2"]);
    let said =
        ClientTls { sni: "sni.example".to_owned(), verified_name: "other.example".to_owned(), ..Default::default() };
    let said = tls(&made(&config::Backend { protocol, tls: Some(said), ..of(vec![fqdn("a.example")]) }));
    assert!(!said.auto_host_sni && !said.auto_sni_san_validation);
    assert_eq!(said.sni, "sni.example");
    let text = format!("{:?}", said.common_tls_context.unwrap().validation_context_type);
    assert!(text.contains("other.example") && !text.contains("sni.example"), "{text}");
    let skipped = ClientTls { skip_verification: true, ..Default::default() };
    let skipped = tls(&made(&config::Backend { protocol, tls: Some(skipped), ..of(vec![fqdn("a.example")]) }));
    assert_eq!(skipped.common_tls_context.unwrap().validation_context_type, None);
    assert!(!skipped.auto_sni_san_validation);
}
