//! Shares of localities, and of endpoints that have just come.

use std::time::Duration;

use backstay_balancer::{ConfiguredHealth, LoadBalancing, Locality, SlowStart};
use backstay_proxy::config::{Action, Filters};
use backstay_proxy::route::Matcher;
use http::Request;

use crate::balancing::{backend, counts, numbered};
use crate::support::{BackendOf, Client, Proxy, Raw, Routes, ask, to};

#[tokio::test]
async fn localities_share_by_their_weights_and_by_what_is_left_of_them() {
    let (_upstreams, mut endpoints) = numbered(4).await;
    for (endpoint, (id, weight)) in endpoints.iter_mut().zip([(1, 3), (1, 3), (2, 1), (3, 0)]) {
        endpoint.locality = Locality { id, weight };
    }
    let weighted = LoadBalancing { locality_weighted: true, ..LoadBalancing::default() };
    let backend = backend(endpoints.clone(), weighted).build();
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    // Turns repeat: over whole rounds, shares are exact wherever the first one begins.
    let count = async |requests| {
        let counts = counts(&proxy, requests).await;
        ["0", "1", "2", "3"].map(|name| counts.get(name).copied().unwrap_or(0))
    };
    assert_eq!(count(80).await, [30, 30, 20, 0]);
    // Half of the first one, taken 1.4 times, bears 3 * 0.7: 21 to 10.
    endpoints[0].stated = ConfiguredHealth::Unhealthy;
    backend.set_endpoints(endpoints.clone());
    assert_eq!(count(62).await, [0, 42, 20, 0]);
    endpoints[0].stated = ConfiguredHealth::Healthy;
    backend.set_endpoints(endpoints);
    assert_eq!(count(80).await, [30, 30, 20, 0]);
}

#[tokio::test]
async fn an_endpoint_that_has_just_come_is_given_its_share_little_by_little() {
    let window = Duration::from_secs(1);
    // A tenth for four fifths of the window, and then up to all: about a sixth on average.
    let slow_start = SlowStart { aggression: 0.1, ..SlowStart::over(window) };
    let (_upstreams, endpoints) = numbered(2).await;
    let slow = LoadBalancing { slow_start: Some(slow_start), ..LoadBalancing::default() };
    let backend = backend(vec![endpoints[0].clone()], slow).build();
    // Who asks this one is answered when a window has passed.
    let (_silent, silent) = Raw::bind().await;
    let mut clock = BackendOf::http1(&[silent]);
    clock.timeouts.total = Some(window);
    let table = Routes::default()
        .rule("clock", Matcher::prefix("/"), Filters::default(), Action::Forward(to(&clock.build(), silent.port())))
        .rule("", Matcher::prefix("/"), Filters::default(), Action::Forward(to(&backend, 1)))
        .build();
    let proxy = Proxy::start(table).await;
    let a_window = || tokio::spawn(ask(proxy.address, Request::get("/").header("host", "clock")));
    assert_eq!(a_window().await.unwrap().status, 504);

    backend.set_endpoints(endpoints);
    let growing = a_window();
    let mut client = Client::connect(proxy.address).await;
    let (mut old, mut new) = (0, 0);
    while !growing.is_finished() {
        match client.get("/").await.text() {
            "0" => old += 1,
            _ => new += 1,
        }
    }
    // Far from both a sixth and the whole: a machine that stalls takes from some part of the window only.
    assert!(new > 0 && 2 * new < old, "{new} of {}", old + new);
    assert_eq!(counts(&proxy, 40).await.into_values().collect::<Vec<_>>(), [20, 20], "then it has all of it");
}
