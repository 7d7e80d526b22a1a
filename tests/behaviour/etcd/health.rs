//! How backends fare is the same answer whichever control plane is asked, also of proxies behind a relay.

use std::net::SocketAddr;

use http::Response;
use serde_json::Value;

use super::store;
use crate::harness::etcd::{Cluster, blocking, program};
use crate::harness::{ControlPlane, Fastly, PATIENCE, Proxy, Relay, Rest, Upstream, manifest, port};

/// Makes a service with a backend that is checked, and whose checks fail.
async fn failing(rest: &Rest, fastly: &Fastly) -> (Upstream, String) {
    let upstream = Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0)), |_| async {
        Response::builder().status(500).body("".into()).unwrap()
    });
    let upstream = upstream.await;
    rest.create(&manifest::gateway("web", port::free())).await;
    let (id, version) = fastly.service("health").await;
    fastly.make(&format!("{version}/domain"), &[("name", "h.example")]).await;
    let check = [("name", "hc"), ("path", "/"), ("check_interval", "1000"), ("window", "1"), ("threshold", "1")];
    fastly.make(&format!("{version}/healthcheck"), &check).await;
    let port = upstream.port().to_string();
    let backend = [("name", "b"), ("address", "127.0.0.1"), ("port", port.as_str()), ("healthcheck", "hc")];
    fastly.make(&format!("{version}/backend"), &backend).await;
    let activated = fastly.put(&format!("{version}/activate"), &[]).await;
    assert_eq!(activated.status, 200, "{}", activated.body);
    (upstream, format!("/service/{id}/backend_health/b"))
}

/// Asks until the answer is as it should be.
async fn until(fastly: &Fastly, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let asked = async {
        loop {
            let answer = fastly.get(path).await;
            if answer.status == 200 && holds(&answer.body) {
                return answer.body;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the health that is waited for")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_control_plane_tells_of_the_proxies_of_all() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let start = || {
        let process = ControlPlane::begin_on_with(&store(&cluster), &["--fastly-gateway", "default/web"]);
        process.wait_for_line("API on");
        process
    };
    let (first, second) = (start(), start());
    let (one, other) = (Fastly::new(first.address("api")), Fastly::new(second.address("api")));
    let mut proxy = Proxy::start_with(first.address("xds"), &["--node-id", "here"]);
    let (_upstream, path) = failing(&Rest::new(first.address("api")), &one).await;
    let is_unhealthy = |told: &Value| told["state"] == "unhealthy";
    let here = until(&one, &path, is_unhealthy).await;
    let there = until(&other, &path, is_unhealthy).await;
    assert_eq!(here["proxies"], there["proxies"]);
    assert_eq!(there["proxies"][0]["id"], "here");
    assert!(there["proxies"][0]["reason"].as_str().unwrap().contains("500"), "{there}");
    // One that starts later hears of it as well.
    let third = start();
    let late = until(&Fastly::new(third.address("api")), &path, is_unhealthy).await;
    assert_eq!(here["proxies"], late["proxies"]);
    // What nobody reports any more nobody tells.
    proxy.process.kill();
    let is_unknown = |told: &Value| told["state"] == "unknown" && told["proxies"].as_array().is_some_and(Vec::is_empty);
    until(&one, &path, is_unknown).await;
    until(&other, &path, is_unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_tells_how_backends_fare_with_all_of_its_proxies() {
    let control_plane = ControlPlane::start_with(&["--fastly-gateway", "default/web"]);
    let scratch = tempfile::tempdir().unwrap();
    let any = [SocketAddr::from(([127, 0, 0, 1], 0)); 2];
    let relay = Relay::start(control_plane.xds(), scratch.path(), any, &["--node-id", "far"]);
    let fastly = Fastly::new(control_plane.api());
    let _proxies = ["one", "two"].map(|name| Proxy::start_with(relay.xds, &["--node-id", name]));
    let (_upstream, path) = failing(&control_plane.rest(), &fastly).await;
    // Two proxies, and an endpoint that each of them sees.
    let told = until(&fastly, &path, |told| told["proxies"][0]["unhealthy"] == 2).await;
    assert_eq!((&told["state"], &told["proxies"][0]["id"]), (&"unhealthy".into(), &"far".into()), "{told}");
    let reason = told["proxies"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("proxy ") && reason.contains("500"), "{told}");
}
