use super::{BackendCounts, Exposition, Metrics, write_backends};

#[test]
fn backends_that_were_never_used_are_left_out() {
    let (used, unused) = (BackendCounts::default(), BackendCounts::default());
    let handles = used.handles();
    handles.requests[1].increment(3);
    handles.active.increment(1.0);
    handles.latency.record(0.003);
    handles.latency.record(7.0);
    let mut text = Exposition::default();
    write_backends(&mut text, [("a\"b", &used), ("unused", &unused)].into_iter());
    let text = text.finish();
    for line in [
        r#"backstay_backend_requests_total{backend="a\"b",class="2xx"} 3"#,
        r#"backstay_backend_active_requests{backend="a\"b"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="a\"b",le="0.0025"} 0"#,
        r#"backstay_backend_latency_seconds_bucket{backend="a\"b",le="0.005"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="a\"b",le="5"} 1"#,
        r#"backstay_backend_latency_seconds_bucket{backend="a\"b",le="+Inf"} 2"#,
        r#"backstay_backend_latency_seconds_sum{backend="a\"b"} 7.003"#,
        "# TYPE backstay_backend_latency_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("unused"));
}

#[test]
fn proxies_of_one_process_do_not_count_together() {
    let (one, two) = (Metrics::new(), Metrics::new());
    one.control().responses.increment(5);
    two.control();
    assert!(one.render().contains("backstay_configuration_responses_total 5"), "{}", one.render());
    assert!(!two.render().contains("backstay_configuration_responses_total 5"));
}
