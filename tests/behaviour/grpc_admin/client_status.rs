//! What proxies have, told to a client of Envoy's own contracts, and to one of ours.

use backstay_proto::admin::ListProxyResourcesRequest;
use backstay_proto::admin::fleet_service_client::FleetServiceClient;
use backstay_proto::admin::proxy_resource::State;
use envoy_types::pb::envoy::admin::v3::ClientResourceStatus;
use envoy_types::pb::envoy::service::status::v3::client_status_discovery_service_client::ClientStatusDiscoveryServiceClient;
use envoy_types::pb::envoy::service::status::v3::{ClientStatusRequest, ConfigStatus};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{NodeMatcher, StringMatcher};
use tonic::Code;

use super::client::channel;
use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{ControlPlane, Proxy, manifest, port};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_has_of_its_configuration_is_told_by_resource() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "one"]);
    let rest = control_plane.rest();
    let listen = port::free();
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    rest.create(&manifest::gateway("web", listen)).await;
    rest.create(&manifest::route("app", "web", "app.example.com", "app", 80)).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;

    let channel = channel(&control_plane).await;
    let mut client = ClientStatusDiscoveryServiceClient::new(channel.clone());
    let matching = |pattern: &str| {
        let node_id =
            Some(StringMatcher { match_pattern: Some(MatchPattern::Exact(pattern.to_owned())), ignore_case: false });
        ClientStatusRequest { node_matchers: vec![NodeMatcher { node_id, ..Default::default() }], ..Default::default() }
    };
    let answer = client.fetch_client_status(matching("one")).await.unwrap().into_inner();
    let [proxy] = &answer.config[..] else { panic!("{answer:?}") };
    let node = proxy.node.as_ref().unwrap();
    assert_eq!((node.id.as_str(), node.cluster.as_str()), ("one", "default"));
    let names: Vec<&str> = proxy.generic_xds_configs.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["backend/app", "listener/default/web/http", "route/default/app"]);
    for resource in &proxy.generic_xds_configs {
        assert_eq!(resource.config_status(), ConfigStatus::Synced, "{resource:?}");
        assert_eq!(resource.client_status(), ClientResourceStatus::Acked, "{resource:?}");
        assert!(resource.xds_config.is_none() && !resource.version_info.is_empty());
    }
    assert!(client.fetch_client_status(matching("two")).await.unwrap().into_inner().config.is_empty());
    let requests = futures::stream::iter([matching("one"), matching("two"), ClientStatusRequest::default()]);
    let mut answers = client.stream_client_status(requests).await.unwrap().into_inner();
    let mut counts = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        counts.push(answer.config.len());
    }
    assert_eq!(counts, [1, 0, 1]);
    let nothing = ClientStatusRequest { node_matchers: vec![NodeMatcher::default()], ..Default::default() };
    assert_eq!(client.fetch_client_status(nothing).await.unwrap_err().code(), Code::InvalidArgument);

    let mut fleets = FleetServiceClient::new(channel);
    let of = |parent: &str, size, token: &str| ListProxyResourcesRequest {
        parent: parent.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    let page = fleets.list_proxy_resources(of("fleets/default/proxies/one", 2, "")).await.unwrap().into_inner();
    let rest = of("fleets/default/proxies/one", 2, &page.next_page_token);
    let rest = fleets.list_proxy_resources(rest).await.unwrap().into_inner();
    let all: Vec<_> = page.resources.iter().chain(&rest.resources).collect();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), names);
    assert!(all.iter().all(|one| one.state() == State::Acknowledged && one.revision > 0), "{all:?}");
    assert_eq!(rest.next_page_token, "");
    for (parent, code) in [
        ("fleets/default/proxies/two", Code::NotFound),
        ("fleets/default", Code::InvalidArgument),
        ("fleets//proxies/one", Code::InvalidArgument),
    ] {
        assert_eq!(fleets.list_proxy_resources(of(parent, 0, "")).await.unwrap_err().code(), code, "{parent}");
    }
}
