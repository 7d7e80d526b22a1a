//! Large responses take turns, small ones do not wait for them.

use std::time::Duration;

use backstay_proto::discovery::DeltaDiscoveryRequest;
use backstay_xds::server::{Event, Options};

use super::plane::{Plane, put};
use super::raw::{Raw, names, wildcard};

async fn plane(bulk_timeout: Duration) -> Plane {
    let options = Options { bulk_bytes: 10_000, max_bulk_responses: 1, bulk_timeout, ..Options::default() };
    let changes = [put("large", vec![b'x'; 20_000]), put("small", "1")];
    Plane::start_at("127.0.0.1:0".parse().unwrap(), changes, options).await
}

#[tokio::test]
async fn a_large_response_waits_for_the_answer_to_another() {
    let mut plane = plane(Duration::from_secs(3600)).await;
    let mut first = Raw::connect(&plane, wildcard("first")).await;
    let large = first.next().await;
    let _second = Raw::connect(&plane, wildcard("second")).await;
    let small = vec!["small".to_owned()];
    let small = DeltaDiscoveryRequest { resource_names_subscribe: small, ..wildcard("third") };
    let mut third = Raw::connect(&plane, small).await;
    assert_eq!(names(&third.take().await), ["small"]);
    first.answer(&large, None).await;

    let mut told = Vec::new();
    while told.iter().filter(|&&event| event == "large sent").count() < 2 {
        let event = |_, event| match event {
            Event::Sent { resources, .. } if resources.len() == 2 => Some("large sent"),
            Event::Acknowledged { resources, .. } if resources.len() == 2 => Some("large answered"),
            _ => None,
        };
        told.push(plane.event(event).await);
    }
    assert_eq!(told, ["large sent", "large answered", "large sent"]);
}

#[tokio::test]
async fn an_answer_is_told_while_the_next_response_waits_for_its_turn() {
    let mut plane = plane(Duration::from_secs(3600)).await;
    let mut first = Raw::connect(&plane, wildcard("first")).await;
    let large = first.next().await;
    let second = DeltaDiscoveryRequest { resource_names_subscribe: vec!["small".to_owned()], ..wildcard("second") };
    let mut second = Raw::connect(&plane, second).await;
    let small = second.next().await;
    // Subscribes to what is large and answers what is small: only the former has to wait.
    let both = DeltaDiscoveryRequest {
        resource_names_subscribe: vec!["large".to_owned()],
        response_nonce: small.nonce,
        ..wildcard("second")
    };
    second.send(both).await;
    let answered = |_, event| match event {
        Event::Acknowledged { resources, .. } => Some(resources.len()),
        _ => None,
    };
    assert_eq!(plane.event(answered).await, 1);
    first.answer(&large, None).await;
    assert_eq!(names(&second.take().await), ["large"]);
}

#[tokio::test]
async fn a_client_that_leaves_gives_up_its_turn() {
    let plane = plane(Duration::from_secs(3600)).await;
    let mut first = Raw::connect(&plane, wildcard("first")).await;
    first.next().await;
    let mut second = Raw::connect(&plane, wildcard("second")).await;
    drop(first);
    assert_eq!(names(&second.take().await), ["large", "small"]);
}

#[tokio::test]
async fn a_client_that_does_not_answer_keeps_others_waiting_for_a_time_only() {
    let plane = plane(Duration::from_millis(20)).await;
    let mut first = Raw::connect(&plane, wildcard("first")).await;
    let large = first.next().await;
    let mut second = Raw::connect(&plane, wildcard("second")).await;
    assert_eq!(names(&second.take().await), ["large", "small"]);
    first.answer(&large, None).await;
    plane.apply([put("small", "2")]);
    assert_eq!(names(&first.next().await), ["small"]);
}
