//! State of the world, and the services of one type each, over a socket.

use backstay_proto::discovery::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use backstay_proto::discovery::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node,
};
use backstay_xds::server::{Event, Options, envoy};
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::plane::{PATIENCE, Plane, TYPE, put, remove};
use super::raw::{Raw, wildcard};

fn request(type_url: &str, names: &[&str], response_nonce: &str) -> DiscoveryRequest {
    DiscoveryRequest {
        node: Some(Node { id: "world".to_owned(), ..Node::default() }),
        type_url: type_url.to_owned(),
        resource_names: names.iter().map(|&name| name.to_owned()).collect(),
        response_nonce: response_nonce.to_owned(),
        ..DiscoveryRequest::default()
    }
}

fn values(response: &DiscoveryResponse) -> Vec<&[u8]> {
    response.resources.iter().map(|any| &any.value[..]).collect()
}

async fn next<T>(responses: &mut Streaming<T>) -> Result<Option<T>, Status> {
    timeout(PATIENCE, responses.message()).await.expect("something arrives")
}

#[tokio::test]
async fn a_client_of_state_of_the_world_follows_changes() {
    let mut plane = Plane::start([put("a", "a1"), put("b", "b1")]).await;
    let mut client = AggregatedDiscoveryServiceClient::new(Raw::channel(&plane).await);
    let (requests, outgoing) = mpsc::channel(16);
    requests.send(request(TYPE, &[], "")).await.unwrap();
    let mut responses = client.stream_aggregated_resources(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
    let first = next(&mut responses).await.unwrap().unwrap();
    assert_eq!((values(&first), first.type_url.as_str()), (vec![&b"a1"[..], b"b1"], TYPE));
    requests.send(request(TYPE, &[], &first.nonce)).await.unwrap();
    plane.event(|_, event| matches!(event, Event::Synchronized { revision: 1, .. }).then_some(())).await;
    plane.apply([put("b", "b2"), remove("a")]);
    let second = next(&mut responses).await.unwrap().unwrap();
    assert_eq!(values(&second), [b"b2"]);
    assert_ne!(second.version_info, first.version_info);
    drop(requests);
    assert!(next(&mut responses).await.unwrap().is_none(), "the stream ends cleanly");
    plane.event(|_, event| matches!(event, Event::Closed).then_some(())).await;
}

async fn world(plane: &Plane, path: &'static str, request: DiscoveryRequest) -> Result<DiscoveryResponse, Status> {
    let mut client = tonic::client::Grpc::new(Raw::channel(plane).await);
    client.ready().await.unwrap();
    // The stream stays open until the answer is there.
    let requests = Request::new(tokio_stream::StreamExt::chain(tokio_stream::iter([request]), tokio_stream::pending()));
    let codec = ProstCodec::<DiscoveryRequest, DiscoveryResponse>::default();
    let mut responses = client.streaming(requests, PathAndQuery::from_static(path), codec).await?.into_inner();
    Ok(next(&mut responses).await?.expect("a response"))
}

#[tokio::test]
async fn a_service_of_one_type_implies_it() {
    let plane = Plane::start_at("127.0.0.1:0".parse().unwrap(), [], Options::default()).await;
    plane.apply_as(envoy::CLUSTER, [put("c", "c1")]);
    let path = "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters";
    for type_url in ["", envoy::CLUSTER] {
        let response = world(&plane, path, request(type_url, &[], "")).await.unwrap();
        assert_eq!((values(&response), response.type_url.as_str()), (vec![&b"c1"[..]], envoy::CLUSTER));
    }
    let other = world(&plane, path, request(envoy::LISTENER, &[], "")).await.unwrap_err();
    assert_eq!(other.code(), Code::InvalidArgument, "{other:?}");
    let fetch = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
    let fetch = world(&plane, fetch, request("", &[], "")).await.unwrap_err();
    assert_eq!(fetch.code(), Code::Unimplemented, "{fetch:?}");

    for (path, type_url) in [
        ("/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints", envoy::ENDPOINTS),
        ("/envoy.service.listener.v3.ListenerDiscoveryService/DeltaListeners", envoy::LISTENER),
        ("/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes", envoy::ROUTES),
        ("/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets", envoy::SECRET),
    ] {
        plane.apply_as(type_url, [put("x", "x1")]);
        let mut client = tonic::client::Grpc::new(Raw::channel(&plane).await);
        client.ready().await.unwrap();
        let subscription = DeltaDiscoveryRequest { type_url: String::new(), ..wildcard("delta") };
        let codec = ProstCodec::<DeltaDiscoveryRequest, DeltaDiscoveryResponse>::default();
        let requests =
            Request::new(tokio_stream::StreamExt::chain(tokio_stream::iter([subscription]), tokio_stream::pending()));
        let path = PathAndQuery::from_static(path);
        let mut responses = client.streaming(requests, path, codec).await.unwrap().into_inner();
        let response = next(&mut responses).await.unwrap().unwrap();
        assert_eq!((response.type_url.as_str(), response.resources.len()), (type_url, 1));
    }
}

#[tokio::test]
async fn streams_that_come_too_fast_are_told_when_to_come_back() {
    let options = Options { max_new_streams_a_second: 1, ..Options::default() };
    let plane = Plane::start_at("127.0.0.1:0".parse().unwrap(), [put("a", "a1")], options).await;
    let mut client = AggregatedDiscoveryServiceClient::new(Raw::channel(&plane).await);
    let first = client.delta_aggregated_resources(tokio_stream::iter([wildcard("first")])).await;
    assert!(first.is_ok());
    let refused = client.delta_aggregated_resources(tokio_stream::iter([wildcard("second")])).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let wait: u64 = refused.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap().parse().unwrap();
    assert!((1..=1001).contains(&wait), "{wait}");
}
