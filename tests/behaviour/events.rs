//! What happens to an object is told as events, from each that sees it.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::rest::{BACKENDS, GATEWAYS, SECRETS};
use crate::harness::tls::Authority;
use crate::harness::{ControlPlane, Proxy, Rest, manifest, port, traffic};

/// The events about an object.
async fn events(rest: &Rest, kind: &str, name: &str) -> Vec<Value> {
    let selector = format!("fieldSelector=involvedObject.kind%3D{kind},involvedObject.name%3D{name}");
    let list = rest.read(&format!("/api/v1/events?{selector}")).await;
    list["items"].as_array().unwrap().clone()
}

/// Waits for an event about an object, and returns it.
async fn event(rest: &Rest, kind: &str, name: &str, reason: &str) -> Value {
    let find = || async { events(rest, kind, name).await.into_iter().find(|event| event["reason"] == reason) };
    traffic::until(&format!("{reason} of {kind} {name}"), || async { find().await.is_some() }).await;
    find().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_accepted_served_and_refused() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let mut proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "edge-1"]);
    let connected = event(&rest, "Proxy", "default", "ProxyConnected").await;
    assert_eq!(connected["message"], "edge-1 connected from 127.0.0.1");
    assert_eq!(connected["metadata"]["namespace"], "default");

    let stored = rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    rest.create(&manifest::gateway("web", port::free())).await;
    rest.create(&manifest::route("app", "web", "a.test", "app", 80)).await;
    let accepted = event(&rest, "Backend", "app", "Accepted").await;
    assert_eq!(accepted["involvedObject"]["uid"], stored["metadata"]["uid"], "kubectl describe asks by it");
    assert_eq!(accepted["type"], "Normal");
    for (kind, name) in [("Backend", "app"), ("Gateway", "web"), ("HTTPRoute", "app")] {
        event(&rest, kind, name, "Programmed").await;
    }

    rest.create(&manifest::route("lost", "web", "b.test", "nowhere", 80)).await;
    let lost = event(&rest, "HTTPRoute", "lost", "BackendNotFound").await;
    assert_eq!(lost["type"], "Warning");
    assert!(lost["message"].as_str().unwrap().contains("nowhere"), "{lost:#}");

    // In the words of the proxy.
    let taken = TcpListener::bind(("0.0.0.0", 0)).unwrap();
    rest.create(&manifest::gateway("taken", taken.local_addr().unwrap().port())).await;
    let refused = event(&rest, "Gateway", "taken", "Refused").await;
    let words = refused["message"].as_str().unwrap();
    assert!(words.contains("edge-1") && words.contains("in use"), "{words}");
    let of_fleet = event(&rest, "Proxy", "default", "ResourceRefused").await;
    assert_eq!(of_fleet["reportingInstance"], "edge-1");

    proxy.process.kill();
    let gone = event(&rest, "Proxy", "default", "ProxyLost").await;
    assert_eq!((&gone["message"], &gone["type"]), (&"the connection of edge-1 ended".into(), &"Warning".into()));
    rest.delete(&format!("{GATEWAYS}/taken")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_fail_and_come_back_are_told_of() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let _proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "edge-1"]);
    let port = port::free();
    let policy = json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": "app"},
        "spec": {"targetRefs": [{"name": "app"}],
            "healthChecks": [{"tcp": {}, "interval": "20ms", "thresholds": {"healthy": 1, "unhealthy": 1}}]}});
    rest.create(&policy).await;
    manifest::serve(&rest, port::free(), "a.test", &["127.0.0.1"], port).await;
    let fails = event(&rest, "Backend", "app", "EndpointsUnhealthy").await;
    assert_eq!((&fails["reportingInstance"], &fails["type"]), (&"edge-1".into(), &"Warning".into()));
    let words = fails["message"].as_str().unwrap();
    assert!(words.starts_with("1 of 1 endpoints take no requests: "), "{words}");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    event(&rest, "Backend", "app", "EndpointsHealthy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_expires_soon_is_warned_of() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let secret = Authority::new().issue_for(&["a.test"], Duration::from_secs(3 * 24 * 3600)).secret("expiring");
    rest.create(&secret).await;
    let warned = event(&rest, "Secret", "expiring", "CertificateExpiring").await;
    assert!(warned["message"].as_str().unwrap().starts_with("a certificate expires at "), "{warned:#}");
    assert_eq!(rest.read(&format!("{SECRETS}/expiring")).await["metadata"]["uid"], warned["involvedObject"]["uid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_bounded_counted_and_gone_after_a_while() {
    let limits = ["--limit", "max-events=3", "--limit", "event-ttl=1s"];
    let control_plane = ControlPlane::start_with(&limits);
    let rest = control_plane.rest();
    for number in 0..5 {
        rest.create(&manifest::backend(&format!("b{number}"), &["127.0.0.1"])).await;
        rest.wait_for(&format!("{BACKENDS}/b{number}"), "Accepted").await;
    }
    let figure = |name: &'static str| {
        let rest = rest.clone();
        async move {
            let (_, text) = rest.get("/metrics").await;
            let text = text.as_str().unwrap().to_owned();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("-1");
            line.trim().parse::<i64>().unwrap()
        }
    };
    traffic::until("room to be made", || async {
        figure("backstay_events_forgotten_total{limit=\"max_events\"}").await >= 2
    })
    .await;
    traffic::until("events to be old", || async { figure("backstay_events ").await == 0 }).await;
    assert!(figure("backstay_events_forgotten_total{limit=\"event_ttl\"}").await > 0);
}
