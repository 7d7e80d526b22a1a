//! Which of several Backends a request goes to, and how long it may take.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Stage;
use crate::harness::rest::{BACKENDS, ROUTES};
use crate::harness::{Upstream, manifest};

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_kept_and_the_share_of_an_invalid_reference_is_answered_500() {
    const REQUESTS: u32 = 3_000;
    let stage = Stage::new().await;
    let weighted = |mut backend: Value, weight: u32| {
        backend["weight"] = weight.into();
        backend
    };
    let absent = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "absent", "port": 80});
    let service = json!({"kind": "Service", "name": "a", "port": 80});
    for (name, refs, shares) in [
        (
            "split",
            vec![weighted(stage.to("a"), 70), weighted(stage.to("b"), 30), weighted(stage.to("c"), 0)],
            &[("a", 70), ("b", 30)][..],
        ),
        ("broken", vec![weighted(stage.to("a"), 3), weighted(absent.clone(), 1)], &[("a", 75), ("500", 25)]),
        ("kind", vec![weighted(stage.to("a"), 1), weighted(service, 1)], &[("a", 50), ("500", 50)]),
        ("zero", vec![weighted(stage.to("a"), 0), weighted(stage.to("b"), 0)], &[("500", 100)]),
        ("zero-broken", vec![weighted(stage.to("a"), 1), weighted(absent.clone(), 0)], &[("a", 100)]),
        ("none", vec![absent.clone()], &[("500", 100)]),
        ("empty", vec![], &[("500", 100)]),
    ] {
        let host = format!("{name}.test");
        let mut rule = json!({"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]});
        rule["backendRefs"] = refs.into();
        let mut route = manifest::route(name, "web", &host, "a", 1);
        route["spec"]["rules"] = json!([rule]);
        stage.rest.create(&route).await;
        stage.rest.wait_for(&format!("{ROUTES}/{name}"), "Accepted").await;
        stage.settled().await;
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        let requests = if shares.len() == 1 { 100 } else { REQUESTS };
        for _ in 0..requests {
            *counts.entry(stage.reaches(&host, "/").await).or_default() += 1;
        }
        assert_eq!(counts.len(), shares.len(), "{name}: {counts:?}");
        for (upstream, percent) in shares {
            // Six standard deviations of a random choice; an exact one is within as well.
            let expected = f64::from(requests * percent) / 100.0;
            let spread = 6.0 * (expected * (1.0 - f64::from(*percent) / 100.0)).sqrt() + 1.0;
            let counted = f64::from(counts[*upstream]);
            assert!((counted - expected).abs() <= spread, "{name}: {counts:?}, {upstream} should be {expected}");
        }
    }
    let told = stage.rest.read(&format!("{ROUTES}/broken")).await;
    let conditions = told["status"]["parents"][0]["conditions"].as_array().unwrap();
    let resolved = conditions.iter().find(|condition| condition["type"] == "ResolvedRefs").unwrap();
    assert_eq!((&resolved["status"], &resolved["reason"]), (&json!("False"), &json!("BackendNotFound")));
    let told = stage.rest.read(&format!("{ROUTES}/kind")).await;
    assert!(told["status"].to_string().contains("InvalidKind"), "{told:#}");

    // What was missing arrives, and its share is served.
    stage.rest.create(&manifest::backend("absent", &["127.0.0.1"])).await;
    stage.rest.wait_for(&format!("{ROUTES}/none"), "ResolvedRefs").await;
    stage.rest.wait_for(&format!("{BACKENDS}/absent"), "Programmed").await;
    assert_ne!(stage.reaches("none.test", "/").await, "500");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_takes_too_long_is_answered_504() {
    let stage = Stage::new().await;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let silent = Upstream::start(any, |_| std::future::pending::<Response<Bytes>>()).await;
    stage.rest.create(&manifest::backend("silent", &["127.0.0.1"])).await;
    let target = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": "silent", "port": silent.port()});
    let rule = |path: &str, timeouts: Value, target: Value| json!({"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [target], "timeouts": timeouts});
    let rules = vec![
        rule("/request", json!({"request": "100ms"}), target.clone()),
        rule("/backend", json!({"request": "50s", "backendRequest": "100ms"}), target.clone()),
        rule("/fast", json!({"request": "50s"}), stage.to("a")),
        rule("/off", json!({"request": "0s"}), stage.to("a")),
    ];
    stage.route("timeouts", &["timeouts.test"], rules).await;
    for (path, upstream) in [("/request", "504"), ("/backend", "504"), ("/fast", "a"), ("/off", "a")] {
        assert_eq!(stage.reaches("timeouts.test", path).await, upstream, "{path}");
    }
    let mut wrong = manifest::route("wrong", "web", "wrong.test", "a", 1);
    wrong["spec"]["rules"][0]["timeouts"] = json!({"request": "1s", "backendRequest": "2s"});
    let (status, refused) = stage.rest.post(ROUTES, &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused.to_string().contains("backendRequest"), "{refused}");
}
