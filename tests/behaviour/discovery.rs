//! Discovery as operators and proxies see it: where a revision is, and control planes that take over from each other.

use std::net::SocketAddr;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use futures::StreamExt as _;
use serde_json::Value;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::harness::rest::BACKENDS;
use crate::harness::{Client, ControlPlane, Proxy, Upstream, backstay, manifest, port};

fn status(control_plane: &ControlPlane, more: &[&str]) -> (bool, String, Value) {
    let server = control_plane.server();
    let output = backstay(["status", "--server", &server, "-o", "json"].iter().chain(more));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said, serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn status_waits_until_a_revision_is_everywhere_and_names_who_is_behind() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let (upstream, listen) = (Upstream::answering("hello").await, port::free());
    let proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "the-slow-one"]);
    manifest::serve(&rest, listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let (done, said, seen) = status(&control_plane, &["--wait"]);
    assert!(done, "{said}");
    assert_eq!(seen["fleets"][0]["proxies"][0]["pending"], 0, "{seen}");

    proxy.process.signal("STOP");
    let backend = rest.read(BACKENDS).await["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let patch = serde_json::json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}});
    let (_, patched) = rest.patch(&format!("{BACKENDS}/{backend}"), &patch).await;
    let revision = patched["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let (done, said, _) = status(&control_plane, &["--wait", "--revision", &revision, "--timeout", "1s"]);
    assert!(!done && said.contains("proxy the-slow-one of fleet default has acknowledged revision"), "{said}");
    proxy.process.signal("CONT");
    let (done, said, _) = status(&control_plane, &["--wait", "--revision", &revision]);
    assert!(done, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_takes_the_next_control_plane_where_the_first_is_away() {
    let control_plane = ControlPlane::start();
    let (upstream, listen) = (Upstream::answering("hello").await, port::free());
    let away = SocketAddr::from(([127, 0, 0, 1], port::free()));
    let both = format!("http://{away},http://{}", control_plane.xds());
    let _proxy = Proxy::start_with(away, &["--control-plane", &both]);
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    assert_eq!(Client::new().get(address, "app.test", "/").await.unwrap().text(), "hello");
}

/// A stream of a client of so many, which is let in.
async fn stream(channel: Channel, id: String) -> Streaming<DeltaDiscoveryResponse> {
    let node = Some(Node { id, ..Node::default() });
    let type_url = "type.googleapis.com/backstay.config.v1.Resource".to_owned();
    let first = DeltaDiscoveryRequest { node, type_url, ..DeltaDiscoveryRequest::default() };
    // Its end would be that of the stream.
    let requests = futures::stream::iter([first]).chain(futures::stream::pending());
    let mut client = AggregatedDiscoveryServiceClient::new(channel);
    client.delta_aggregated_resources(requests).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_proxies_is_logged_by_a_few_and_a_count() {
    const LINES: usize = 2;
    let control_plane = ControlPlane::start_with(&["--log-lines-per-second", &LINES.to_string()]);
    let endpoint = Channel::from_shared(format!("http://{}", control_plane.xds())).unwrap();
    let channel = endpoint.connect().await.unwrap();
    // So many that they would have to be a minute under way for all to be logged.
    let crowd = (0..60 * LINES).map(|number| stream(channel.clone(), format!("proxy-{number}")));
    let streams = futures::future::join_all(crowd).await;
    let line = control_plane.process.wait_for_line("lines were left out of the log");
    assert!(line.contains(r#"like="a proxy connected""#), "{line}");
    let printed = control_plane.process.printed();
    let logged = printed.matches(": a proxy connected").count();
    assert!((LINES..streams.len()).contains(&logged), "{printed}");
    drop(streams);
}
