//! Our client against our server.

use std::collections::BTreeMap;
use std::time::Duration;

use backstay_xds::server::{Event, Options};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::plane::{Plane, put, remove};
use super::proxy::{Happened, Proxy};

fn held(pairs: &[(&str, &'static str)]) -> BTreeMap<String, Bytes> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), Bytes::from_static(value.as_bytes()))).collect()
}

#[tokio::test]
async fn a_client_follows_the_snapshot() {
    let mut plane = Plane::start([put("a", "1"), put("b", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    assert!(matches!(proxy.happened().await, Happened::Connected(true)), "told before the first response is applied");
    assert_eq!(proxy.applied().await.2, held(&[("a", "1"), ("b", "1")]));
    plane.apply([put("a", "2")]);
    assert_eq!(proxy.applied().await, (vec!["a".to_owned()], vec![], held(&[("a", "2"), ("b", "1")])));
    plane.apply([remove("b"), put("c", "1")]);
    let expected = (vec!["c".to_owned()], vec!["b".to_owned()], held(&[("a", "2"), ("c", "1")]));
    assert_eq!(proxy.applied().await, expected);
    let synchronized = |_, event| matches!(event, Event::Synchronized { revision: 3, .. }).then_some(());
    plane.event(synchronized).await;
}

#[tokio::test]
async fn an_empty_control_plane_answers_too() {
    let plane = Plane::start([]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    assert_eq!(proxy.applied().await, (vec![], vec![], held(&[])));
}

#[tokio::test]
async fn after_a_reconnect_only_what_changed_is_sent() {
    let plane = Plane::start([put("a", "1"), put("b", "1"), put("c", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    proxy.applied().await;
    plane.end_streams();
    assert_eq!(proxy.applied().await, (vec![], vec![], held(&[("a", "1"), ("b", "1"), ("c", "1")])));

    let address = plane.address;
    plane.stop().await;
    let _ = proxy.disconnected().await;
    // Another process, with its own revisions, at the same address.
    let changed = [put("c", "1"), put("b", "2"), put("d", "1")];
    let _plane = Plane::start_at(address, changed, Options::default()).await;
    let (updates, removed, now) = proxy.applied().await;
    assert_eq!((updates, removed), (vec!["b".to_owned(), "d".to_owned()], vec!["a".to_owned()]));
    assert_eq!(now, held(&[("b", "2"), ("c", "1"), ("d", "1")]));
}

#[tokio::test]
async fn one_bad_resource_does_not_hold_back_the_others() {
    let mut plane = Plane::start([put("a", "1"), put("b", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    proxy.applied().await;
    plane.apply([put("a", "2"), put("b", "bad")]);
    assert_eq!(proxy.applied().await.2, held(&[("a", "2"), ("b", "1")]));
    let (rejected, message) = plane
        .event(|_, event| match event {
            Event::Rejected { rejected, partial: true, message, .. } => Some((rejected, message)),
            _ => None,
        })
        .await;
    let [rejection] = &rejected[..] else { panic!("{rejected:?}") };
    assert_eq!((&*rejection.name, &*rejection.field, &*rejection.message), ("b", "value", "is bad"));
    assert_eq!(message, "b: value: is bad");

    plane.apply([put("c", "1")]);
    assert_eq!(proxy.applied().await.0, ["c"], "what was refused is not sent again");
    // A new stream is a new attempt.
    plane.end_streams();
    assert_eq!(proxy.applied().await.0, ["b"]);
    plane.apply([put("b", "3")]);
    assert_eq!(proxy.applied().await.2, held(&[("a", "2"), ("b", "3"), ("c", "1")]));
}

#[tokio::test]
async fn a_removal_behind_a_rejection_is_not_missed_by_a_reconnect() {
    let plane = Plane::start([put("a", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    proxy.applied().await;
    plane.apply([put("a", "bad")]);
    proxy.applied().await;
    let address = plane.address;
    plane.stop().await;
    let _plane = Plane::start_at(address, [], Options::default()).await;
    assert_eq!(proxy.applied().await, (vec![], vec!["a".to_owned()], held(&[])));
}

#[tokio::test]
async fn a_large_snapshot_arrives_in_parts() {
    let options = Options { max_response_bytes: 100_000, ..Options::default() };
    let large = (0..10).map(|number| put(&format!("r{number}"), vec![b'x'; 60_000]));
    let mut plane = Plane::start_at("127.0.0.1:0".parse().unwrap(), large, options).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    for number in 1..=10 {
        assert_eq!(proxy.applied().await.2.len(), number);
    }
    plane.event(|_, event| matches!(event, Event::Synchronized { revision: 1, .. }).then_some(())).await;
}

#[tokio::test]
async fn what_a_client_holds_stays_while_there_is_no_control_plane() {
    let plane = Plane::start([put("a", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(plane.address));
    proxy.applied().await;
    let address = plane.address;
    plane.stop().await;
    for _ in 0..4 {
        proxy.disconnected().await;
    }
    let _plane = Plane::start_at(address, [put("a", "1"), put("b", "1")], Options::default()).await;
    assert_eq!(proxy.applied().await, (vec!["b".to_owned()], vec![], held(&[("a", "1"), ("b", "1")])));
}

#[tokio::test]
async fn a_client_that_is_refused_says_why_and_tries_again() {
    let plane = Plane::start([put("a", "1")]).await;
    let mut options = Proxy::options(plane.address);
    options.node.id = "mallory".to_owned();
    let mut proxy = Proxy::start(options);
    for _ in 0..2 {
        let cause = proxy.disconnected().await;
        assert!(cause.contains("mallory may not have any of this"), "{cause}");
    }
}

#[tokio::test]
async fn a_client_stops_when_told_connected_or_not() {
    let mut plane = Plane::start([put("a", "1")]).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut proxy = Proxy::start_until(Proxy::options(plane.address), async { drop(stopped.await) });
    proxy.applied().await;
    stop.send(()).unwrap();
    assert!(matches!(proxy.happened().await, Happened::Connected(false)));
    proxy.stopped().await;
    plane.event(|_, event| matches!(event, Event::Closed).then_some(())).await;

    let address = plane.address;
    plane.stop().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut proxy = Proxy::start_until(Proxy::options(address), async { drop(stopped.await) });
    let cause = proxy.disconnected().await;
    assert!(cause.starts_with("cannot connect to the control plane at http://"), "{cause}");
    stop.send(()).unwrap();
    proxy.stopped().await;
}

fn uri(plane: &Plane) -> tonic::transport::Uri {
    format!("http://{}", plane.address).parse().unwrap()
}

#[tokio::test]
async fn where_one_control_plane_cannot_be_reached_the_next_is_taken_at_once() {
    let plane = Plane::start([put("a", "1")]).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut options = Proxy::options(nobody);
    options.fallbacks = vec![uri(&plane)];
    // Nothing is waited for between them, or this would end in no time that a test has.
    (options.backoff_base, options.backoff_max) = (Duration::from_secs(3600), Duration::from_secs(3600));
    let mut proxy = Proxy::start(options);
    assert!(proxy.disconnected().await.contains("cannot connect"));
    assert_eq!(proxy.applied().await.0, ["a"]);
}

#[tokio::test]
async fn the_first_control_plane_is_tried_first_again_after_a_stream_that_served() {
    let first = Plane::start([]).await;
    let address = first.address;
    first.stop().await;
    let second = Plane::start([put("a", "of the second")]).await;
    let mut options = Proxy::options(address);
    options.fallbacks = vec![uri(&second)];
    let mut proxy = Proxy::start(options);
    assert_eq!(proxy.applied().await.2["a"], "of the second");
    let _first = Plane::start_at(address, [put("a", "of the first")], Options::default()).await;
    second.end_streams();
    assert_eq!(proxy.applied().await.2["a"], "of the first");
}

#[tokio::test]
async fn clients_that_come_too_fast_are_all_served_in_the_end() {
    let options = Options { max_new_streams_a_second: 1, ..Options::default() };
    let plane = Plane::start_at("127.0.0.1:0".parse().unwrap(), [put("a", "1")], options).await;
    let mut proxies = [(); 2].map(|()| Proxy::start(Proxy::options(plane.address)));
    for proxy in &mut proxies {
        assert_eq!(proxy.applied().await.0, ["a"]);
    }
}

#[tokio::test]
async fn a_client_that_is_asked_to_leave_makes_another_stream_first() {
    let old = Plane::start([put("a", "1"), put("b", "1")]).await;
    let mut proxy = Proxy::start(Proxy::options(old.address));
    assert!(matches!(proxy.happened().await, Happened::Connected(true)));
    proxy.applied().await;
    // Its listener is closed, and its connections are told; its stream goes on.
    let mut old = old.retire();
    old.apply([put("a", "2")]);
    assert_eq!(proxy.applied().await.0, ["a"], "what changes on the old stream meanwhile is not missed");
    let mut new = Plane::start_at(old.address, [put("a", "2"), put("b", "1")], Options::default()).await;
    // Nothing was sent again, and nobody was told of an end.
    let Happened::Applied { updates, removed, held: now } = proxy.happened().await else { panic!("an end was told") };
    assert_eq!((updates, removed, now), (vec![], vec![], held(&[("a", "2"), ("b", "1")])));
    new.event(|_, event| matches!(event, Event::Synchronized { .. }).then_some(())).await;
    old.event(|_, event| matches!(event, Event::Closed).then_some(())).await;
    new.apply([put("c", "1")]);
    assert_eq!(proxy.applied().await.0, ["c"]);
}
