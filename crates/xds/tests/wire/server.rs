//! What clients of the server see, and what its source is told.

use std::collections::BTreeSet;
use std::time::Duration;

use backstay_proto::discovery::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use backstay_xds::server::{Event, Options};
use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::{Code, Request};

use super::codec::Unchecked;
use super::plane::{PROVED, Plane, TYPE, put, remove};
use super::raw::{Raw, names, wildcard};

async fn limited(options: Options) -> Plane {
    Plane::start_at("127.0.0.1:0".parse().unwrap(), [put("a", "1")], options).await
}

#[tokio::test]
async fn changes_coalesce_while_a_client_does_not_answer() {
    let mut plane = Plane::start([put("a", "1"), put("b", "1")]).await;
    let mut client = Raw::connect(&plane, wildcard("slow")).await;
    let first = client.next().await;
    assert_eq!(names(&first), ["a", "b"]);
    for value in ["2", "3", "4"] {
        plane.apply([put("a", value), put("c", value)]);
    }
    plane.apply([remove("b")]);
    client.answer(&first, None).await;
    let second = client.next().await;
    assert_eq!((names(&second), &second.removed_resources[..]), (vec!["a", "c"], &["b".to_owned()][..]));
    assert_eq!(&second.resources[0].resource.as_ref().unwrap().value[..], b"4");
    client.answer(&second, None).await;
    let sent = |_, event| match event {
        Event::Synchronized { revision, .. } => Some(revision),
        _ => None,
    };
    assert_eq!(plane.event(sent).await, 5, "one response brought all five revisions");
}

#[tokio::test]
async fn streams_of_one_node_are_independent_and_their_end_is_told() {
    let mut plane = Plane::start([put("a", "1")]).await;
    let mut old = Raw::connect(&plane, wildcard("twin")).await;
    let mut new = Raw::connect(&plane, wildcard("twin")).await;
    old.take().await;
    new.take().await;
    let opened = |stream, event| matches!(event, Event::Opened { .. }).then_some(stream);
    let first = plane.event(opened).await;
    let second = plane.event(opened).await;
    assert_ne!(first, second);
    drop(old);
    let closed = plane.event(|stream, event| matches!(event, Event::Closed).then_some(stream)).await;
    assert!(closed == first || closed == second);
    plane.apply([put("a", "2")]);
    assert_eq!(names(&new.take().await), ["a"]);
}

#[tokio::test]
async fn a_refused_node_learns_why_and_nobody_hears_of_its_stream() {
    let mut plane = Plane::start([put("a", "1")]).await;
    let status = Raw::connect(&plane, wildcard("mallory")).await.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "mallory may not have any of this"));
    let mut good = Raw::connect(&plane, wildcard("good")).await;
    good.take().await;
    let node = plane
        .event(|_, event| match event {
            Event::Opened { peer, type_url } => {
                let identity = peer.identity.map(|identity| identity.name().to_owned());
                Some((peer.node.id, peer.address.is_some(), identity, type_url.to_string()))
            }
            other => panic!("{other:?}"),
        })
        .await;
    assert_eq!(node, ("good".to_owned(), true, Some(PROVED.to_owned()), TYPE.to_owned()));
}

#[tokio::test]
async fn a_stream_that_breaks_the_protocol_ends_alone() {
    let plane = limited(Options { max_subscriptions: 2, max_request_bytes: 10_000, ..Options::default() }).await;
    let channel = Raw::channel(&plane).await;
    let mut good = Raw::open(channel.clone()).await;
    good.send(wildcard("good")).await;
    good.take().await;

    let many = ["x", "y", "z"].map(str::to_owned).to_vec();
    let large = vec!["x".repeat(4_000), "y".repeat(4_000), "z".repeat(4_000)];
    let cases = [
        (DeltaDiscoveryRequest { node: None, ..wildcard("") }, Code::InvalidArgument, "set node"),
        (DeltaDiscoveryRequest { type_url: String::new(), ..wildcard("a") }, Code::InvalidArgument, "set type_url"),
        (
            DeltaDiscoveryRequest { resource_names_subscribe: many, ..wildcard("a") },
            Code::ResourceExhausted,
            "more than the limit of 2 names",
        ),
        (
            DeltaDiscoveryRequest { resource_names_subscribe: large, ..wildcard("a") },
            Code::InvalidArgument,
            "the request cannot be read",
        ),
    ];
    for (request, code, words) in cases {
        let mut bad = Raw::open(channel.clone()).await;
        bad.send(request).await;
        let status = bad.message().await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(words), "{status:?}");
    }
    plane.apply([put("a", "2")]);
    assert_eq!(names(&good.take().await), ["a"], "on the same connection");
}

#[tokio::test]
async fn bytes_that_are_no_request_end_the_stream_alone() {
    let mut plane = Plane::start([put("a", "1")]).await;
    let channel = Raw::channel(&plane).await;
    let mut good = Raw::open(channel.clone()).await;
    good.send(wildcard("good")).await;
    good.take().await;
    plane.event(|_, event| matches!(event, Event::Acknowledged { .. }).then_some(())).await;

    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path =
        PathAndQuery::from_static("/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources");
    let garbage = tokio_stream::iter([Bytes::from_static(&[0xff; 64])]);
    let codec = Unchecked::<DeltaDiscoveryResponse>::default();
    let mut responses = client.streaming(Request::new(garbage), path, codec).await.unwrap().into_inner();
    let status = responses.message().await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");

    plane.apply([put("a", "2")]);
    assert_eq!(names(&good.take().await), ["a"]);
}

#[tokio::test]
async fn a_stream_without_a_request_ends_in_time() {
    let plane = limited(Options { first_request_timeout: Duration::from_millis(20), ..Options::default() }).await;
    let mut silent = Raw::open(Raw::channel(&plane).await).await;
    assert_eq!(silent.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_number_of_streams_is_limited_and_room_is_given_back() {
    let mut plane = limited(Options { max_streams: 1, ..Options::default() }).await;
    let mut first = Raw::connect(&plane, wildcard("first")).await;
    first.take().await;
    let mut client = AggregatedDiscoveryServiceClient::new(Raw::channel(&plane).await);
    let status = client.delta_aggregated_resources(tokio_stream::pending()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    drop(first);
    plane.event(|_, event| matches!(event, Event::Closed).then_some(())).await;
    // The end is told just before the room is free.
    while client.delta_aggregated_resources(tokio_stream::iter([wildcard("second")])).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn streams_end_when_their_watch_does_so_that_a_server_can_stop() {
    let plane = Plane::start([put("a", "1")]).await;
    let mut client = Raw::connect(&plane, wildcard("a")).await;
    client.take().await;
    plane.end_streams();
    assert_eq!(client.message().await.unwrap_err().code(), Code::Unavailable);
    let mut again = Raw::connect(&plane, wildcard("a")).await;
    again.take().await;
    plane.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_streams_gets_each_change_once() {
    const STREAMS: usize = 300;
    let all: Vec<_> = (0..200).map(|number| put(&format!("backend/{number:03}"), "1")).collect();
    let plane = Plane::start(all).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let channel = Raw::channel(&plane).await;
        for number in 0..STREAMS / 3 {
            let stream = Raw::open(channel.clone()).await;
            stream.send(wildcard(&format!("proxy-{number}"))).await;
            streams.push(stream);
        }
    }
    let mut nonces = BTreeSet::new();
    for stream in &mut streams {
        let response = stream.take().await;
        assert_eq!(response.resources.len(), 200);
        nonces.insert(response.nonce);
    }
    plane.apply([put("backend/007", "2"), remove("backend/100")]);
    for stream in &mut streams {
        let response = stream.take().await;
        assert_eq!(names(&response), ["backend/007"]);
        assert_eq!(response.removed_resources, ["backend/100"]);
        nonces.insert(response.nonce);
    }
    assert_eq!(nonces.len(), 2 * STREAMS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_lost_that_comes_while_the_one_before_is_answered() {
    let plane = Plane::start([put("a", "0")]).await;
    let mut client = Raw::connect(&plane, wildcard("a")).await;
    client.take().await;
    for change in 1..=500 {
        let value = change.to_string();
        plane.apply([put("a", value.clone())]);
        let response = client.take().await;
        assert_eq!(&response.resources[0].resource.as_ref().unwrap().value[..], value.as_bytes());
    }
}
