use serde_json::json;

use crate::server::{BACKENDS, Server};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const STRATEGIC: (&str, &str) = ("content-type", "application/strategic-merge-patch+json");

#[tokio::test]
async fn text_becomes_data_and_is_never_read_back() {
    let server = Server::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="},
        "stringData": {"b": "2"},
    });
    let created = server.post(SECRETS, &secret).await.expect(201);
    assert_eq!(created["data"], json!({"a": "MQ==", "b": "Mg=="}));
    assert_eq!(created["type"], "Opaque");
    assert!(created.get("stringData").is_none());
    assert_eq!(server.get(&format!("{SECRETS}/s")).await.expect(200), created);
}

#[tokio::test]
async fn errors_do_not_repeat_values() {
    let server = Server::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "hunter2 is not base64!"},
    });
    let reply = server.post(SECRETS, &secret).await;
    assert_eq!(reply.status, 422);
    assert!(!reply.text().contains("hunter2"), "{}", reply.text());
    let reply = server.call("POST", SECRETS, &[], r#"{"kind":"Secret","stringData":{"a":"hunter2}"#).await;
    assert_eq!(reply.status, 400);
    assert!(!reply.text().contains("hunter2"), "{}", reply.text());
}

#[tokio::test]
async fn clients_with_go_types_patch_strategically() {
    let server = Server::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "1", "b": "2"},
    });
    server.post(SECRETS, &secret).await.expect(201);
    let patch = json!({"data": {"a": null}, "stringData": {"c": "3"}});
    let patched = server.patch(&format!("{SECRETS}/s"), STRATEGIC, &patch).await.expect(200);
    assert_eq!(patched["data"], json!({"b": "Mg==", "c": "Mw=="}));
    server.backend("web").await;
    let path = format!("{BACKENDS}/web");
    server.patch(&path, STRATEGIC, &json!({})).await.failure(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn clients_with_go_types_create_in_protobuf() {
    // Unknown{typeMeta: {v1, Namespace}, raw: Namespace{metadata: {name: "prod"}}}
    let body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x08\x0a\x06\x0a\x04prod\x1a\x00\x22\x00".to_vec();
    let headers = [
        ("content-type", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
    ];
    let server = Server::new().await;
    let created = server.call("POST", "/api/v1/namespaces", &headers, body).await.expect(201);
    assert_eq!(created["metadata"]["name"], "prod");
    assert_eq!(created["kind"], "Namespace");
    server.call("POST", "/api/v1/namespaces", &headers, "k8s\0\u{1}").await.failure(400, "BadRequest");
    server.call("POST", BACKENDS, &headers, b"k8s\0".to_vec()).await.failure(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn clients_with_generated_types_do_not_name_them() {
    let server = Server::new().await;
    let created = server.post(SECRETS, &json!({"metadata": {"name": "s"}})).await.expect(201);
    assert_eq!((created["apiVersion"].as_str(), created["kind"].as_str()), (Some("v1"), Some("Secret")));
    server.post(SECRETS, &json!({"kind": "Namespace", "metadata": {"name": "t"}})).await.failure(400, "BadRequest");
}
