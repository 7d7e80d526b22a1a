use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

async fn call(shared: &Arc<Shared>, method: &str, path: &str) -> (u16, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = router(shared.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn health_and_readiness() {
    let shared = Arc::new(Shared::default());
    shared.set_compiling(Compiling::Ready);
    for path in ["/healthz", "/livez", "/readyz", "/readyz/"] {
        let (status, headers, text) = call(&shared, "GET", path).await;
        assert_eq!((status, text.as_str()), (200, "ok"), "{path}");
        assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
    }
    for (state, why) in [(Compiling::Initial, "not been compiled yet"), (Compiling::Ended, "not compiled any more")] {
        shared.set_compiling(state);
        let (status, _, text) = call(&shared, "GET", "/readyz").await;
        assert_eq!(status, 500);
        assert!(text.contains(why), "{text}");
        assert_eq!(call(&shared, "GET", "/livez").await.0, 200);
    }
}

#[tokio::test]
async fn version_is_semantic_and_selects_a_client() {
    let (status, headers, text) = call(&Arc::default(), "GET", "/version?timeout=5s").await;
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (200, "application/json"));
    let version: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(version["major"], "1");
    assert_eq!(version["minor"], "33");
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1.33.0+"), "{version}");
    assert!(version["platform"].is_string());
}

#[tokio::test]
async fn other_methods_are_refused_as_everywhere_in_the_api() {
    for path in ["/version", "/healthz", "/livez", "/readyz"] {
        let (status, _, text) = call(&Arc::default(), "POST", path).await;
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, said["reason"].as_str()), (405, Some("MethodNotAllowed")));
        assert_eq!(said["message"], "the server does not allow this method on the requested resource");
        assert_eq!(call(&Arc::default(), "HEAD", path).await.2, "", "{path}");
    }
}

#[tokio::test]
async fn the_log_is_turned_for_a_while() {
    let switch = LogSwitch::new(|level, _| if level == "loud" { Err("no such level".to_owned()) } else { Ok(()) });
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = logging(switch.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    assert_eq!(ask("POST", "/logging?level=debug&for=5m").await, (200, "logging debug for 300 s\n".to_owned()));
    assert_eq!(ask("POST", "/logging?level=loud").await, (400, "level=loud: no such level\n".to_owned()));
    assert_eq!(ask("GET", "/logging?level=debug").await.0, 405);
}
