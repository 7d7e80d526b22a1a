use std::sync::Arc;

use http::{Method, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{Meter, Names};

#[test]
fn requests_and_limits_are_counted_under_the_names_of_the_dialect() {
    let recorder = Arc::new(PrometheusBuilder::new().build_recorder());
    let names = Names { requests: ("x_requests_total", "Requests."), limited: ("x_limited_total", "Refusals.") };
    let meter = Meter::new(recorder.clone(), names);
    let made_up = Method::from_bytes(b"WHATEVER").unwrap();
    meter.answered(&Method::GET, StatusCode::OK, None);
    meter.answered(&Method::GET, StatusCode::OK, None);
    meter.answered(&made_up, StatusCode::METHOD_NOT_ALLOWED, Some(("resource", "things")));
    meter.answered(&Method::GET, StatusCode::OK, Some(("resource", "things")));
    meter.answered(&Method::GET, StatusCode::OK, Some(("resource", "things")));
    meter.limited("max_requests");
    meter.gauge("x_open", "Open.").increment(1.0);
    let text = recorder.handle().render();
    for line in [
        "# HELP x_requests_total Requests.",
        r#"x_requests_total{method="GET",code="200"} 2"#,
        r#"x_requests_total{method="other",resource="things",code="405"} 1"#,
        r#"x_requests_total{method="GET",resource="things",code="200"} 2"#,
        r#"x_limited_total{limit="max_requests"} 1"#,
        "x_open 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in {text}");
    }
}
