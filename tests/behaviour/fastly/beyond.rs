//! What Fastly's API cannot do: how backends fare, draining without a new version, and a fallback order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::world::World;
use crate::harness::{PATIENCE, Upstream};

/// An upstream that tells its name, and answers its health check with a status that can be changed.
async fn checked(name: &'static str) -> (Upstream, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let told = Arc::clone(&status);
    let upstream = Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0)), move |seen| {
        let status = if seen.uri.path() == "/health" { told.load(Ordering::Relaxed) } else { 200 };
        async move { Response::builder().status(status).body(name.into()).unwrap() }
    });
    (upstream.await, status)
}

async fn health_check(world: &World) {
    let fields = [
        ("name", "hc"),
        ("path", "/health"),
        ("host", "b.example"),
        ("check_interval", "1000"),
        ("window", "1"),
        ("threshold", "1"),
        ("initial", "1"),
    ];
    world.make("healthcheck", &fields).await;
}

/// Reads how backends fare until it is as it should be.
async fn until(world: &World, holds: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/service/{}/backend_health", world.id);
    let asked = async {
        loop {
            let told = world.fastly.read(&path).await;
            if holds(&told) {
                return told;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("the health that is waited for")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_and_metrics_tell_how_backends_fare() {
    let world = World::start("health", &["h.example"]).await;
    let (upstream, status) = checked("one").await;
    health_check(&world).await;
    world.backend("checked", upstream.port(), &[("healthcheck", "hc")]).await;
    world.backend("other", upstream.port(), &[]).await;
    world.activate().await;
    let told = until(&world, |told| told[0]["state"] == "healthy").await;
    assert_eq!(told[0]["proxies"][0]["healthy"], 1, "{told}");
    assert_eq!(
        told[1],
        json!({
            "service_id": world.id, "version": 1, "name": "other", "healthcheck": null, "state": "unchecked",
            "drained": false, "proxies": [],
        })
    );
    status.store(500, Ordering::Relaxed);
    let told = until(&world, |told| told[0]["state"] == "unhealthy").await;
    let proxy = &told[0]["proxies"][0];
    assert_eq!((&proxy["state"], &proxy["unhealthy"]), (&json!("unhealthy"), &json!(1)), "{told}");
    assert!(proxy["reason"].as_str().unwrap().contains("500"), "{told}");
    let metrics = world.fastly.read("/metrics").await;
    let series =
        format!("backstay_backend_proxies{{backend=\"backend/fastly:{}:checked\",health=\"unhealthy\"}} 1", world.id);
    assert!(metrics.as_str().unwrap().contains(&series), "{metrics}");
    status.store(200, Ordering::Relaxed);
    let path = format!("/service/{}/backend_health/checked", world.id);
    until(&world, |told| told[0]["state"] == "healthy").await;
    assert_eq!(world.fastly.read(&path).await["state"], "healthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_member_gets_nothing_whichever_version_is_active() {
    let world = World::start("drain", &["d.example"]).await;
    let (one, two) = (Upstream::answering("one").await, Upstream::answering("two").await);
    world.backend("one", one.port(), &[("auto_loadbalance", "1")]).await;
    world.backend("two", two.port(), &[("auto_loadbalance", "1")]).await;
    world.backend("alone", two.port(), &[]).await;
    world.activate().await;
    let drain = |name: &str| format!("/service/{}/backend/{name}/drain", world.id);
    let alone = world.fastly.put(&drain("alone"), &[]).await;
    assert_eq!(alone.status, StatusCode::BAD_REQUEST, "{}", alone.body);
    assert_eq!(world.fastly.put(&drain("none"), &[]).await.status, StatusCode::NOT_FOUND);
    let drained = world.fastly.put(&drain("one"), &[]).await;
    assert_eq!((drained.status, &drained.body["drained"]), (StatusCode::OK, &json!(true)), "{}", drained.body);
    world.programmed().await;
    for _ in 0..40 {
        assert_eq!(world.get("d.example", "/").await.text(), "two");
    }
    // No version has changed, and the next one does not end it.
    assert_eq!(world.fastly.read(&format!("/service/{}/version", world.id)).await.as_array().unwrap().len(), 1);
    world.fastly.put(&format!("{}/clone", world.version), &[]).await;
    let activated = world.fastly.put(&format!("/service/{}/version/2/activate", world.id), &[]).await;
    let message = activated.body["msg"].as_str().unwrap();
    assert_eq!(message, "Warning: Backend 'one': is drained: the pool and directors give it nothing");
    world.programmed().await;
    for _ in 0..40 {
        assert_eq!(world.get("d.example", "/").await.text(), "two");
    }
    let service = world.rest.read(&format!("/apis/backstay.dev/v1alpha1/fastlyservices/{}", world.id)).await;
    assert_eq!(service["spec"]["drained_backends"], json!(["one"]));
    assert_eq!(world.fastly.delete(&drain("one")).await.body, json!({"status": "ok"}));
    world.until("d.example", "/", |answer| answer.text() == "one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_director_with_an_order_falls_back_and_returns() {
    let world = World::start("fallback", &["f.example"]).await;
    let ((first, status), (second, _)) = (checked("first").await, checked("second").await);
    health_check(&world).await;
    world.backend("second", second.port(), &[]).await;
    world.backend("first", first.port(), &[("healthcheck", "hc")]).await;
    let director = world.make("director", &[("name", "ordered"), ("fallback", "1")]).await;
    assert_eq!((&director["fallback"], &director["type"], &director["quorum"]), (&json!(true), &json!(1), &json!(75)));
    world.make("director/ordered/backend/first", &[]).await;
    world.make("director/ordered/backend/second", &[]).await;
    world.activate().await;
    for _ in 0..20 {
        assert_eq!(world.get("f.example", "/").await.text(), "first");
    }
    status.store(500, Ordering::Relaxed);
    world.until("f.example", "/", |answer| answer.text() == "second").await;
    assert_eq!(world.get("f.example", "/").await.status, StatusCode::OK);
    status.store(200, Ordering::Relaxed);
    world.until("f.example", "/", |answer| answer.text() == "first").await;
    // Without a connection the next one is tried at once, whatever checks have found.
    let port = first.port();
    drop(first);
    for _ in 0..5 {
        assert_eq!(world.get("f.example", "/").await.text(), "second", "{port}");
    }
}
