//! How many requests may pass.

use std::sync::Arc;

use backstay_proto::config::request_rate_limit::Client as Sharing;
use backstay_proto::config::{Guards, RateLimit, RequestRateLimit};
use backstay_proxy::counts::{Guard, ServerMetrics};
use backstay_proxy::server::Options;
use http::Request;

use crate::support::guards::{Guarded, below};
use crate::support::{ANY_PORT, Proxy, access_log, ask, socket, text};

/// A limit that nothing is added to while a test runs.
fn limit(key: &str, capacity: u64, sharing: Sharing) -> RequestRateLimit {
    let every = Some(prost_types::Duration { seconds: 1_000_000, nanos: 0 });
    let limit = RateLimit { key: key.to_owned(), rate: 1.0, every, capacity };
    RequestRateLimit { limit: Some(limit), client: Some(sharing), ..RequestRateLimit::default() }
}

fn limits(rate_limits: Vec<RequestRateLimit>) -> Guards {
    Guards { rate_limits, ..Guards::default() }
}

async fn proxy(guards: Guards) -> Proxy {
    Proxy::start(Guarded::rule(guards).table(below("/"), text(200, "ok"))).await
}

/// The statuses of requests with these values of a header; empty: without it.
async fn statuses(proxy: &Proxy, name: &str, values: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for value in values {
        let mut request = Request::get("/");
        if !value.is_empty() {
            request = request.header(name, *value);
        }
        let answer = ask(proxy.address, request).await;
        if answer.status != 200 {
            assert_eq!((answer.text(), answer.header("content-type")), ("", ""));
        }
        statuses.push(answer.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn everyone_together() {
    let (log, lines) = access_log();
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { access_log: Some(log), metrics: Arc::clone(&metrics), ..Options::default() };
    let guards = limits(vec![RequestRateLimit { status: 503, ..limit("a", 2, Sharing::Everyone(true)) }]);
    let table = Guarded::rule(guards).table(below("/"), text(200, "ok"));
    let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
    assert_eq!(statuses(&proxy, "x", &["", "1", "2", ""]).await, [200, 200, 503, 503]);
    assert_eq!(metrics.guards.get(Guard::RateLimit), 2);
    let told: Vec<_> = (0..4).map(|_| lines.next()["flags"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["-", "-", "RL", "RL"]);
}

#[tokio::test]
async fn each_client_by_a_header() {
    let proxy = proxy(limits(vec![limit("a", 2, Sharing::Header("X-Key".to_owned()))])).await;
    assert_eq!(statuses(&proxy, "x-key", &["a", "a", "a", "b", "a", "b"]).await, [200, 200, 429, 200, 429, 200]);
    // Who does not say who it is does not pass.
    assert_eq!(statuses(&proxy, "x-key", &["", "", "c"]).await, [429, 429, 200]);
}

#[tokio::test]
async fn each_client_by_its_address() {
    let by_header = RequestRateLimit { address_header: "x-client".to_owned(), ..limit("a", 1, Sharing::Address(true)) };
    let proxy = proxy(limits(vec![by_header])).await;
    let written = ["192.0.2.1", "192.0.2.1:80, 192.0.2.2", " 192.0.2.2 , 192.0.2.1", "2001:db8::1", "2001:db8::1"];
    assert_eq!(statuses(&proxy, "x-client", &written).await, [200, 429, 200, 200, 429]);
    // What is no address is not looked at: the peer counts, as where there is nothing.
    assert_eq!(statuses(&proxy, "x-client", &["me", "", "127.0.0.1"]).await, [200, 429, 429]);
}

#[tokio::test]
async fn the_first_limit_that_is_reached_answers_and_those_before_it_count() {
    let everyone = RequestRateLimit { status: 503, ..limit("all", 3, Sharing::Everyone(true)) };
    let proxy = proxy(limits(vec![limit("each", 2, Sharing::Header("x-key".to_owned())), everyone])).await;
    let clients = ["a", "a", "a", "b", "b", "b"];
    assert_eq!(statuses(&proxy, "x-key", &clients).await, [200, 200, 429, 200, 503, 429]);
}

#[tokio::test]
async fn two_limits_of_one_key_are_one() {
    let one = || limits(vec![limit("same", 3, Sharing::Header("x-key".to_owned()))]);
    let both = Guarded { route: Some(one()), rule: Some(one()) };
    let proxy = Proxy::start(both.table(below("/"), text(200, "ok"))).await;
    assert_eq!(statuses(&proxy, "x-key", &["a", "a"]).await, [200, 429]);
}
