use super::*;

fn left(names: &[&'static str]) -> Vec<String> {
    let trailers = names.iter().map(|name| (HeaderName::from_static(name), HeaderValue::from_static("x")));
    let frame = filtered(Frame::trailers(trailers.collect()));
    let trailers = frame.and_then(|frame| frame.into_trailers().ok()).unwrap_or_default();
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
        assert!(
            filtered(Frame::trailers(HeaderMap::from_iter([(
                HeaderName::from_static(name),
                HeaderValue::from_static("x")
            )])))
            .is_none()
        );
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
        assert!(filtered(Frame::trailers(trailers)).is_none(), "{value:?}");
    }
}

#[test]
fn data_stays_as_it_is() {
    assert_eq!(filtered(Frame::data(Bytes::from_static(b"abc"))).unwrap().into_data().unwrap(), "abc");
}
