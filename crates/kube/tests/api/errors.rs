use backstay_kube::Options;
use backstay_store::Memory;
use futures::stream;
use serde_json::Value;

use crate::server::{BACKENDS, MERGE, Server, backend};

#[tokio::test]
async fn methods_that_a_path_does_not_have() {
    let server = Server::new().await;
    server.backend("web").await;
    for (method, path) in [
        ("PUT", BACKENDS.to_owned()),
        ("PATCH", BACKENDS.to_owned()),
        ("POST", format!("{BACKENDS}/web")),
        ("OPTIONS", BACKENDS.to_owned()),
        ("DELETE", format!("{BACKENDS}/web/status")),
        ("DELETE", "/apis".to_owned()),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned()),
    ] {
        let status = server.call(method, &path, &[], "").await.failure(405, "MethodNotAllowed");
        assert_eq!(status["message"], "the server does not allow this method on the requested resource");
    }
}

#[tokio::test]
async fn bodies_have_a_largest_size() {
    let server = Server::with(Memory::new(), Options { max_body_bytes: 2000, ..Options::default() }).await;
    let mut object = backend("web");
    server.post(BACKENDS, &object).await.expect(201);
    object["metadata"]["annotations"] = serde_json::json!({"filler": "x".repeat(3000)});
    let path = format!("{BACKENDS}/web");
    server.post(BACKENDS, &object).await.failure(413, "RequestEntityTooLarge");
    server.put(&path, &object).await.failure(413, "RequestEntityTooLarge");
    server.patch(&path, MERGE, &object).await.failure(413, "RequestEntityTooLarge");
    server.call("DELETE", &path, &[], "x".repeat(3000)).await.failure(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn bodies_of_unknown_types() {
    let server = Server::new().await;
    for media in ["text/plain", "application/cbor", "application/x-www-form-urlencoded"] {
        let reply = server.call("POST", BACKENDS, &[("content-type", media)], backend("web").to_string()).await;
        let status = reply.failure(415, "UnsupportedMediaType");
        assert!(status["message"].as_str().unwrap().contains("application/json, application/yaml"), "{status}");
    }
    server.call("POST", BACKENDS, &[], backend("web").to_string()).await.expect(201);
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let server = Server::new().await;
    server.call("POST", BACKENDS, &[], "[".repeat(100_000)).await.failure(400, "BadRequest");
    server.call("POST", BACKENDS, &[], "{\"a\":".repeat(100_000)).await.failure(400, "BadRequest");
    let yaml = [("content-type", "application/yaml")];
    server.call("POST", BACKENDS, &yaml, "[".repeat(100_000)).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn as_many_requests_at_once_as_allowed() {
    let options = Options { max_reading: 0, max_mutating: 0, ..Options::default() };
    let server = Server::with(Memory::new(), options).await;
    for (method, path) in [("GET", BACKENDS.to_owned()), ("DELETE", format!("{BACKENDS}/web"))] {
        let reply = server.call(method, &path, &[], "").await;
        assert_eq!(reply.header("retry-after"), "1");
        let status: Value = reply.failure(429, "TooManyRequests");
        assert_eq!(status["details"]["retryAfterSeconds"], 1);
    }
    // Who follows changes is not held up by others.
    server.watch("timeoutSeconds=1").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::new().await;
    let endless = axum::body::Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    server.call("POST", BACKENDS, &[], endless).await.failure(408, "Timeout");
}

#[tokio::test]
async fn field_managers_are_checked() {
    let server = Server::new().await;
    let long = "x".repeat(129);
    server.post(&format!("{BACKENDS}?fieldManager={long}"), &backend("a")).await.failure(422, "Invalid");
    server.post(&format!("{BACKENDS}?fieldManager=a%00b"), &backend("a")).await.failure(422, "Invalid");
    server.post(&format!("{BACKENDS}?fieldManager=kubectl-create"), &backend("a")).await.expect(201);
}
