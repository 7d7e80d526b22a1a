use super::*;

fn left(names: &[&'static str]) -> Vec<String> {
    let trailers = names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x")));
    let mut frame = Frame::trailers(trailers.collect());
    let left = filter(&mut frame);
    let trailers = frame.into_trailers().unwrap();
    assert_eq!(left, !trailers.is_empty());
    trailers.keys().map(ToString::to_string).collect()
}

#[test]
fn what_belongs_into_a_head_is_taken_out() {
    for name in [
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "host",
        "if-match",
        "set-cookie",
        "te",
        "transfer-encoding",
        "upgrade",
        "x-envoy-retry-on",
        "x-forwarded-client-cert",
        "x-forwarded-for",
    ] {
        assert_eq!(left(&[name, "x-sum", name]), ["x-sum"]);
        assert_eq!(left(&[name]), [""; 0]);
    }
}

#[test]
fn what_grpc_says_at_the_end_stays() {
    let all = [
        "grpc-status",
        "grpc-message",
        "grpc-status-details-bin",
        "x-request-id",
        "custom-bin",
        "server-timing",
        "etag",
    ];
    assert_eq!(left(&all), all);
}

#[test]
fn what_http2_has_no_place_for_is_taken_out() {
    for value in [" x", "x ", "\tx", "x\t", " "] {
        let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-a"), HeaderValue::from_static(value))]);
        assert!(!filter(&mut Frame::trailers(trailers)), "{value:?}");
    }
}

#[test]
fn data_stays_as_it_is() {
    let mut frame = Frame::data(Bytes::from_static(b"abc"));
    assert!(filter(&mut frame));
    assert_eq!(frame.into_data().unwrap(), "abc");
}
