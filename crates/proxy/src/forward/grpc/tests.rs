use super::*;

fn of(content_type: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
}

#[test]
fn knows_its_content_types() {
    assert!(is_spoken(&of("application/grpc")));
    assert!(is_spoken(&of("application/grpc+proto")));
    for other in ["application/grpc-web", "application/grpc;a=b", "application/grp", "text/plain"] {
        assert!(!is_spoken(&of(other)), "{other}");
    }
    assert!(!is_spoken(&HeaderMap::new()));
}

#[test]
fn describes_failures() {
    let described = |failure, text: &str| {
        let mut headers = HeaderMap::new();
        describe(&mut headers, failure, text.as_bytes());
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap().to_owned());
        (text("content-type"), text("grpc-status"), text("grpc-message"))
    };
    let grpc = Some("application/grpc".to_owned());
    assert_eq!(described(StatusCode::NOT_FOUND, ""), (grpc.clone(), Some("12".into()), None));
    let message = Some("100%25 gone%0A%C3%A4".to_owned());
    assert_eq!(described(StatusCode::BAD_GATEWAY, "100% gone\n\u{e4}"), (grpc, Some("14".into()), message));
    let codes = [(400, "13"), (401, "16"), (403, "7"), (429, "14"), (431, "2"), (500, "2"), (503, "14"), (504, "14")];
    for (status, code) in codes {
        assert_eq!(described(StatusCode::from_u16(status).unwrap(), "").1.as_deref(), Some(code), "{status}");
    }
}
