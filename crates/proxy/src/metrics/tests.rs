use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{Breakers, Limits};

use super::{BackendMetrics, BackendSnapshot, Members, Process, envoy, own};

fn backend(name: &str) -> BackendSnapshot {
    BackendSnapshot {
        name: name.into(),
        metrics: Arc::default(),
        breakers: Breakers::new(&Limits::default()),
        backend: None,
        members: Members::default(),
        cache: None,
    }
}

fn process() -> Process {
    Process {
        server: Arc::default(),
        control: Arc::default(),
        limits: crate::server::Limits::default(),
        names: backstay_dns_cache::NameStats::default(),
        watched: (0, 0),
        backends: 2,
        draining: false,
    }
}

#[test]
fn backends_that_were_never_used_are_left_out() {
    let (used, unused) = (backend("backend/a\"b"), backend("backend/unused"));
    let BackendMetrics { requests, active, latency, .. } = &*used.metrics;
    requests[1].increment(3);
    active.increment();
    latency.record(Duration::from_millis(3));
    latency.record(Duration::from_secs(7));
    let backends = [used, unused];
    let text = own(&process(), &backends);
    for line in [
        r#"backstay_backend_requests_total{backend="backend/a\"b",class="2xx"} 3"#,
        r#"backstay_backend_active_requests{backend="backend/a\"b"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="0.0025"} 0"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="0.005"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="5"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="backend/a\"b",le="+Inf"} 2"#,
        r#"backstay_backend_latency_seconds_sum{backend="backend/a\"b"} 7.003"#,
        r#"backstay_backend_latency_seconds_count{backend="backend/a\"b"} 2"#,
        "# TYPE backstay_backend_latency_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let envoy = envoy(&process(), &backends);
    let line = r#"envoy_cluster_upstream_rq_xx{envoy_cluster_name="a\"b",envoy_response_code_class="2"} 3"#;
    assert!(envoy.lines().any(|found| found == line), "{envoy}");
    assert!(!text.contains("unused") && !envoy.contains("unused"));
}
