//! HTTP health checks, and where requests go meanwhile.

use std::time::Duration;

use backstay_proto::config::{Backend, resource};
use backstay_proxy::Proxy;

use super::plane::{ControlPlane, free_port};
use super::traffic::{Upstream, get, get_from};
use super::{acknowledged, all, backend, ip, options};

fn checked(host: &str, expected: u32) -> resource::Kind {
    use backstay_proto::config::{HealthCheck, LoadBalancing, health_check, load_balancing};
    let http = health_check::Http {
        path: "/health".to_owned(),
        expected_statuses: vec![health_check::StatusRange { start: expected, end: expected }],
        ..health_check::Http::default()
    };
    let check = HealthCheck {
        kind: Some(health_check::Kind::Http(http)),
        timeout: Some(prost_types::Duration { seconds: 5, nanos: 0 }),
        interval: Some(prost_types::Duration { seconds: 0, nanos: 20_000_000 }),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 1, unhealthy: 1 })),
        ..HealthCheck::default()
    };
    let balancing = LoadBalancing {
        policy: Some(load_balancing::Policy::RoundRobin(load_balancing::RoundRobin {})),
        panic_threshold: Some(0),
        ..LoadBalancing::default()
    };
    let resource::Kind::Backend(plain) = backend(vec![ip(host)]) else { unreachable!() };
    resource::Kind::Backend(Backend { health_checks: vec![check], load_balancing: Some(balancing), ..plain })
}

#[tokio::test]
async fn traffic_goes_where_checks_pass() {
    let upstream = Upstream::start("127.0.0.1:0", "up").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let mut resources = all(listen, "127.0.0.1", upstream.port());
    // What it answers is not what is expected.
    resources[1].1 = checked("127.0.0.1", 204);
    plane.put(resources);
    acknowledged(&mut plane, 1).await;
    upstream.asked().await;
    assert_eq!(get(listen, "any.example", "/").await, (503, "no healthy upstream".to_owned()));
    let admin = proxy.admin_address().unwrap();
    let (_, shown) = get_from(admin, "localhost", "/backends").await;
    assert!(shown.contains("\"unhealthy\"") && shown.contains("failed active check"), "{shown}");
    assert!(shown.contains("healthChecks[0]: status 200, which is not among expectedStatuses"), "{shown}");
    let endpoints =
        |health, count| format!("backstay_backend_endpoints{{backend=\"backend/web\",health=\"{health}\"}} {count}\n");
    let (_, metrics) = get_from(admin, "localhost", "/metrics").await;
    assert!(metrics.contains(&endpoints("unhealthy", 1)) && metrics.contains(&endpoints("healthy", 0)), "{metrics}");

    plane.put(vec![("backend/web", checked("127.0.0.1", 200))]);
    acknowledged(&mut plane, 2).await;
    let healthy = async {
        while get(listen, "any.example", "/").await != (200, "up".to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healthy).await.expect("passes its check");
    let (_, shown) = get_from(admin, "localhost", "/backends").await;
    assert!(shown.contains("\"healthy\"") && !shown.contains("failed active check"), "{shown}");
    assert!(!shown.contains("failedChecks"), "{shown}");
    proxy.shutdown().await;
}
