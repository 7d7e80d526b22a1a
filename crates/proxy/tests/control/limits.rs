//! Limits of a backend, and its endpoints, as an operator sees them.

use backstay_proto::config::{
    Backend, HealthCheck, Limits, OutlierDetection, Retries, health_check, limits::RetryBudget, resource,
};
use backstay_proxy::{Options, Proxy};

use super::exposition::Exposition;
use super::metrics::read;
use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get};
use super::{acknowledged, admin, all, ip, options};

/// Reads until `condition` holds.
async fn until(proxy: &Proxy, condition: impl Fn(&Exposition) -> bool) -> Exposition {
    let reads = async {
        loop {
            let read = read(proxy, "/metrics").await;
            if condition(&read) {
                return read;
            }
            tokio::task::yield_now().await;
        }
    };
    // Only ends a test that would otherwise hang.
    tokio::time::timeout(std::time::Duration::from_secs(30), reads).await.unwrap()
}

/// A proxy of one thread, whose one backend has these endpoints and settings.
async fn proxy(plane: &mut ControlPlane, listen: u16, port: u16, edit: impl FnOnce(&mut Backend)) -> Proxy {
    let proxy = Proxy::start(Options { threads: 1, ..options(Some(plane.address)) }).await.unwrap();
    let mut resources = all(listen, "127.0.0.1", port);
    let resource::Kind::Backend(backend) = &mut resources[1].1 else { unreachable!() };
    edit(backend);
    plane.put(resources);
    acknowledged(plane, 1).await;
    proxy
}

fn of(limit: &str) -> [(&'static str, &str); 2] {
    [("backend", "backend/web"), ("limit", limit)]
}

/// What `/backends` says of a limit.
async fn shown(proxy: &Proxy, limit: &str) -> serde_json::Value {
    let shown: serde_json::Value = serde_json::from_str(&admin(proxy, "/backends").await.1).unwrap();
    shown["backends"][0]["limits"][limit].clone()
}

#[tokio::test]
async fn connections_and_who_waits_for_them() {
    for (limits, limit, shown_as) in [
        (Limits { connections: Some(1), ..Limits::default() }, "connections", "connections"),
        (
            Limits { connections_per_endpoint: Some(1), ..Limits::default() },
            "connections_per_endpoint",
            "connectionsPerEndpoint",
        ),
    ] {
        let (upstream, release) = Upstream::held("127.0.0.1:0", "done").await;
        let (mut plane, listen) = (ControlPlane::start().await, free_port());
        let limits = Limits { pending_requests: Some(1), ..limits };
        let proxy = proxy(&mut plane, listen, upstream.port(), |backend| backend.limits = Some(limits)).await;
        let first = tokio::spawn(get(listen, "any.example", "/"));
        upstream.asked().await;
        let second = tokio::spawn(get(listen, "any.example", "/"));
        let waits = |read: &Exposition| {
            read.0["backstay_backend_in_use"].samples.iter().any(|(_, labels, value)| {
                labels.get("limit").is_some_and(|limit| limit == "pending_requests") && *value == 1.0
            })
        };
        until(&proxy, waits).await;
        assert_eq!(get(listen, "any.example", "/").await.0, 503);

        let read = read(&proxy, "/metrics").await;
        for limit in [limit, "pending_requests"] {
            assert_eq!(read.value("backstay_backend_overflows_total", &of(limit)), 1.0, "{limit}");
            assert_eq!(read.value("backstay_backend_limit", &of(limit)), 1.0, "{limit}");
            assert_eq!(read.value("backstay_backend_in_use", &of(limit)), 1.0, "{limit}");
        }
        let now = serde_json::json!({"active": 1, "limit": 1, "overflows": 1});
        assert_eq!((shown(&proxy, shown_as).await, shown(&proxy, "pendingRequests").await), (now.clone(), now));
        let endpoint: serde_json::Value = serde_json::from_str(&admin(&proxy, "/backends").await.1).unwrap();
        let endpoint = &endpoint["backends"][0]["endpoints"][0];
        let most = if limit == "connections" { serde_json::Value::Null } else { 1.into() };
        assert_eq!((&endpoint["connections"], &endpoint["connectionLimit"]), (&1.into(), &most));

        release.send(()).unwrap();
        assert_eq!((first.await.unwrap().0, second.await.unwrap().0), (200, 200));
        proxy.shutdown().await;
    }
}

#[tokio::test]
async fn requests_under_way() {
    let (upstream, release) = Upstream::held("127.0.0.1:0", "done").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let limits = Limits { requests: Some(1), ..Limits::default() };
    let proxy = proxy(&mut plane, listen, upstream.port(), |backend| backend.limits = Some(limits)).await;
    let first = tokio::spawn(get(listen, "any.example", "/"));
    upstream.asked().await;
    assert_eq!(get(listen, "any.example", "/").await.0, 503);
    let read = read(&proxy, "/metrics").await;
    for name in ["overflows_total", "limit", "in_use"] {
        assert_eq!(read.value(&format!("backstay_backend_{name}"), &of("requests")), 1.0, "{name}");
    }
    assert_eq!(read.value("backstay_backend_overflows_total", &of("pending_requests")), 0.0);
    assert_eq!(shown(&proxy, "requests").await, serde_json::json!({"active": 1, "limit": 1, "overflows": 1}));
    release.send(()).unwrap();
    assert_eq!(first.await.unwrap().0, 200);
    proxy.shutdown().await;
}

#[tokio::test]
async fn retries_and_their_budget() {
    let budget = RetryBudget { percent: 0.0, minimum: 0 };
    for (limits, limit, other, shown_as) in [
        (Limits { retries: Some(0), ..Limits::default() }, "retries", "retry_budget", "retries"),
        (Limits { retry_budget: Some(budget), ..Limits::default() }, "retry_budget", "retries", "retryBudget"),
    ] {
        let (mut plane, listen) = (ControlPlane::start().await, free_port());
        let retries = Retries { on: vec!["connect-failure".to_owned()], ..Retries::default() };
        let proxy = proxy(&mut plane, listen, free_port(), |backend| {
            (backend.limits, backend.retries) = (Some(limits), Some(retries));
        })
        .await;
        assert_eq!(get(listen, "any.example", "/").await.0, 503);
        let read = read(&proxy, "/metrics").await;
        assert_eq!(read.value("backstay_backend_overflows_total", &of(limit)), 1.0, "{limit}");
        assert_eq!(read.value("backstay_backend_overflows_total", &of(other)), 0.0, "{limit}");
        assert_eq!(read.value("backstay_backend_limit", &of(limit)), 0.0);
        let limited = |read: &Exposition, limit: &str| {
            let samples = &read.0["backstay_backend_limit"].samples;
            samples.iter().any(|(_, labels, _)| labels["limit"] == limit)
        };
        assert!(limited(&read, limit) && !limited(&read, other), "a budget takes the place of the limit");
        assert_eq!(shown(&proxy, shown_as).await, serde_json::json!({"active": 0, "limit": 0, "overflows": 1}));
        proxy.shutdown().await;
    }
}

#[tokio::test]
async fn endpoints_that_are_checked_and_ejected() {
    let upstream = Upstream::start("127.0.0.1:0", "here").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let check = |path: &str| HealthCheck {
        kind: Some(health_check::Kind::Http(health_check::Http { path: path.to_owned(), ..Default::default() })),
        timeout: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
        interval: Some(prost_types::Duration { seconds: 3600, nanos: 0 }),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 1, unhealthy: 1 })),
        ..HealthCheck::default()
    };
    let proxy = proxy(&mut plane, listen, upstream.port(), |backend| {
        let resource::Kind::Backend(two) = super::backend(vec![ip("127.0.0.1"), ip("127.0.0.9")]) else {
            unreachable!()
        };
        backend.discovery = two.discovery;
        backend.health_checks = vec![check("/healthz")];
        backend.outlier_detection = Some(OutlierDetection {
            consecutive_5xx: Some(1),
            max_ejection_percent: Some(50),
            ..OutlierDetection::default()
        });
    })
    .await;
    let of = |label, value| [("backend", "backend/web"), (label, value)];
    let all_checked = |read: &Exposition| {
        // Nothing is exported before anything has happened.
        !read.0["backstay_backend_health_checks_total"].samples.is_empty()
            && ["passed", "failed"]
                .iter()
                .all(|result| read.value("backstay_backend_health_checks_total", &of("result", result)) == 1.0)
            && read.value("backstay_backend_endpoints", &of("health", "healthy")) == 1.0
    };
    let read = until(&proxy, all_checked).await;
    assert_eq!(read.value("backstay_backend_endpoints", &of("health", "unhealthy")), 1.0);
    assert_eq!(read.value("backstay_backend_endpoints_failing_checks", &[("backend", "backend/web")]), 1.0);
    assert_eq!(read.value("backstay_backend_endpoint_changes_total", &[("backend", "backend/web")]), 1.0);
    assert_eq!(get(listen, "any.example", "/").await.0, 200);

    // Nobody answers any more: the one that was healthy is ejected, the other may not be.
    drop(upstream);
    for _ in 0..4 {
        assert_eq!(get(listen, "any.example", "/").await.0, 503);
    }
    let own = super::metrics::read(&proxy, "/metrics").await;
    assert_eq!(own.value("backstay_backend_ejections_total", &of("detector", "consecutive_5xx")), 1.0);
    assert_eq!(own.value("backstay_backend_ejected_endpoints", &[("backend", "backend/web")]), 1.0);
    assert!(own.value("backstay_backend_ejections_withheld_total", &[("backend", "backend/web")]) >= 1.0);
    let envoy = super::metrics::read(&proxy, "/stats/prometheus").await;
    let web = [("envoy_cluster_name", "web")];
    for (name, value) in [
        ("membership_total", 2.0),
        ("membership_healthy", 0.0),
        ("health_check_attempt", 2.0),
        ("health_check_success", 1.0),
        ("health_check_failure", 1.0),
        ("health_check_network_failure", 1.0),
        ("health_check_healthy", 1.0),
        ("outlier_detection_ejections_active", 1.0),
        ("outlier_detection_ejections_enforced_total", 1.0),
    ] {
        assert_eq!(envoy.value(&format!("envoy_cluster_{name}"), &web), value, "{name}");
    }
    proxy.shutdown().await;
}
