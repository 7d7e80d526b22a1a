use http::{HeaderValue, Request};

use super::*;
use crate::access::{Came, Record};

fn tracing(ratio: f64) -> Tracing {
    let tracing = Tracing::default();
    tracing.turn(Rules { sampler: Sampler::parent_based(ratio).unwrap(), formats: vec![Format::W3c] });
    tracing
}

fn caller(flags: &str) -> HeaderMap {
    let value = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
    [(http::HeaderName::from_static("traceparent"), HeaderValue::try_from(value).unwrap())].into_iter().collect()
}

#[test]
fn callers_decide_and_what_is_not_sampled_is_nothing() {
    let now = Instant::now();
    assert!(!Tracing::default().is_on());
    let none = tracing(0.0);
    assert!(none.is_on() && none.begin(&HeaderMap::new(), now, || 0).is_none());
    assert!(none.begin(&caller("00"), now, || 0).is_none());
    let trace = none.begin(&caller("01"), now, || 7).unwrap();
    assert_eq!(trace.id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(tracing(1.0).begin(&HeaderMap::new(), now, || u64::MAX).is_some());
}

#[test]
fn a_request_that_is_not_sampled_allocates_nothing() {
    let (tracing, now) = (tracing(0.0), Instant::now());
    for headers in [HeaderMap::new(), caller("00")] {
        let counted = allocation_counter::measure(|| assert!(tracing.begin(&headers, now, || u64::MAX).is_none()));
        assert_eq!(counted.count_total, 0, "{headers:?}");
    }
}

#[test]
fn attempts_are_siblings_and_each_is_told_its_own_span() {
    let tracing = tracing(1.0);
    let trace = tracing.begin(&caller("01"), Instant::now(), || 7).unwrap();
    let address = "192.0.2.3:80".parse().unwrap();
    let mut headers = caller("01");
    headers.insert("tracestate", HeaderValue::from_static("a=b"));
    let mut seen = Vec::new();
    for error in [Some("connection_termination"), None] {
        trace.attempt(&mut headers, &"backend/b".into(), address);
        seen.push(headers["traceparent"].clone());
        match error {
            Some(error) => trace.failed(error),
            None => trace.answered(503),
        }
    }
    assert_eq!(headers["tracestate"], "a=b");
    let came = Came { client: address, local: address, secure: false, tls: None, server_name: None };
    let request = Request::builder().method("BREW").uri("/a?secret=b").body(()).unwrap();
    let mut record = Record::start(Arc::default(), came, &request);
    (record.status, record.flag) = (503, crate::local_reply::Flag::None);
    record.matched = Some("/*".into());
    trace.tell(&record, &tracing.lane());
    let spans = tracing.queue().waiting();
    assert_eq!(spans.len(), 3);
    let attribute = |span: &v1::Span, key: &str| {
        let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
        Some(format!("{:?}", found.value.as_ref()?.value.as_ref()?))
    };
    let [first, second, server] = &spans[..] else { panic!("{spans:?}") };
    for (span, header) in [first, second].into_iter().zip(&seen) {
        let id: String = span.span_id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(header, &format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id}-01"));
        assert_eq!(span.parent_span_id, server.span_id);
        assert_eq!(span.kind(), v1::span::SpanKind::Client);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    assert_eq!(attribute(first, "error.type").unwrap(), "StringValue(\"connection_termination\")");
    assert_eq!(
        (attribute(first, "http.request.resend_count"), attribute(first, "http.response.status_code")),
        (None, None)
    );
    assert_eq!(attribute(second, "http.request.resend_count").unwrap(), "IntValue(1)");
    assert_eq!((&*server.name, server.kind()), ("_OTHER /*", v1::span::SpanKind::Server));
    assert_eq!(server.parent_span_id[..], [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(attribute(server, "http.request.method_original").unwrap(), "StringValue(\"BREW\")");
    assert_eq!(attribute(server, "url.path").unwrap(), "StringValue(\"/a\")");
    assert_eq!(attribute(server, "error.type").unwrap(), "StringValue(\"503\")");
    assert!(!format!("{server:?}").contains("secret"), "a query is not told");
}

#[test]
fn a_copy_is_told_the_span_of_its_request() {
    let tracing = tracing(1.0);
    let trace = tracing.begin(&caller("01"), Instant::now(), || 7).unwrap();
    let mut headers = caller("01");
    trace.copied(&mut headers);
    assert_eq!(headers["traceparent"], format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", trace.span));
    assert!(trace.attempts.borrow().is_empty(), "nobody is told of it");
}
