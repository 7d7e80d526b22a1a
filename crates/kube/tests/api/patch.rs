use std::sync::Arc;

use serde_json::{Value, json};

use crate::server::{BACKENDS, JSON_PATCH, MERGE, Server, labelled, version};

fn web() -> String {
    format!("{BACKENDS}/web")
}

#[tokio::test]
async fn merge_patches() {
    let server = Server::new().await;
    server.post(BACKENDS, &labelled("web", "app", "web")).await.expect(201);
    let patch = json!({"metadata": {"labels": {"app": null, "tier": "front"}}, "spec": {"protocol": "TLS"}});
    let patched = server.patch(&web(), MERGE, &patch).await.expect(200);
    assert_eq!(patched["metadata"]["labels"], json!({"tier": "front"}));
    assert_eq!(patched["spec"]["protocol"], "tls");
    server.patch(&web(), MERGE, &json!([])).await.failure(400, "BadRequest");
    server.call("PATCH", &web(), &[MERGE], "{").await.failure(400, "BadRequest");
}

#[tokio::test]
async fn a_patch_may_name_the_version_it_expects() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let patch = |version: u64, protocol: &str| json!({"metadata": {"resourceVersion": version.to_string()}, "spec": {"protocol": protocol}});
    server.patch(&web(), MERGE, &patch(version(&created), "h2")).await.expect(200);
    server.patch(&web(), MERGE, &patch(version(&created), "tls")).await.failure(409, "Conflict");
}

#[tokio::test]
async fn json_patches() {
    let server = Server::new().await;
    server.backend("web").await;
    let patch = json!([
        {"op": "test", "path": "/metadata/finalizers", "value": null},
        {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/guard"]},
        {"op": "replace", "path": "/spec/endpoints/0/fqdn", "value": "example.org"},
        {"op": "add", "path": "/spec/endpoints/-", "value": {"ip": "192.0.2.1"}},
    ]);
    let patched = server.patch(&web(), JSON_PATCH, &patch).await.expect(200);
    assert_eq!(patched["metadata"]["finalizers"], json!(["example.com/guard"]));
    assert_eq!(patched["spec"]["endpoints"], json!([{"fqdn": "example.org"}, {"ip": "192.0.2.1"}]));

    let failing = json!([{"op": "test", "path": "/spec/endpoints/0/fqdn", "value": "other"}]);
    let status = server.patch(&web(), JSON_PATCH, &failing).await.failure(422, "Invalid");
    assert!(status["message"].as_str().unwrap().contains("test failed"), "{status}");
    // What kubectl shows of it.
    let why = "testing value /spec/endpoints/0/fqdn failed: test failed";
    assert_eq!(status["details"]["causes"][0]["message"], why, "{status}");
    assert_eq!(status["details"]["causes"][0]["field"], "patch", "{status}");
    let nowhere = json!([{"op": "remove", "path": "/spec/nothing"}]);
    server.patch(&web(), JSON_PATCH, &nowhere).await.failure(422, "Invalid");
    server.patch(&web(), JSON_PATCH, &json!({"op": "add"})).await.failure(400, "BadRequest");
    let many: Vec<Value> = (0..10_001).map(|_| json!({"op": "test", "path": "/x", "value": null})).collect();
    server.patch(&web(), JSON_PATCH, &Value::Array(many)).await.failure(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn the_result_of_a_patch_is_checked_like_any_object() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    server.patch(&web(), MERGE, &json!({"spec": {"protocol": "ftp"}})).await.failure(422, "Invalid");
    server.patch(&web(), MERGE, &json!({"metadata": {"name": "other"}})).await.failure(400, "BadRequest");
    server.patch(&web(), MERGE, &json!({"kind": "Proxy"})).await.failure(400, "BadRequest");
    server.patch(&web(), MERGE, &json!({"spec": "text"})).await.failure(422, "Invalid");
    server.patch(&web(), MERGE, &json!({"metadata": {"uid": "other"}})).await.failure(409, "Conflict");
    let whole = json!([{"op": "replace", "path": "", "value": 1}]);
    server.patch(&web(), JSON_PATCH, &whole).await.failure(400, "BadRequest");
    assert_eq!(server.get(&web()).await.expect(200), created);
}

#[tokio::test]
async fn patches_of_other_types_are_refused_and_told_which_to_use() {
    let server = Server::new().await;
    server.backend("web").await;
    for media in
        ["application/strategic-merge-patch+json", "application/json", "text/plain", "", "application/apply-patch+cbor"]
    {
        let status =
            server.patch(&web(), ("content-type", media), &json!({})).await.failure(415, "UnsupportedMediaType");
        let message = status["message"].as_str().unwrap();
        assert!(
            message.contains("application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"),
            "{message}"
        );
    }
    server.call("PATCH", &web(), &[], "{}").await.failure(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_patched() {
    let server = Server::new().await;
    server.patch(&web(), MERGE, &json!({"spec": {}})).await.failure(404, "NotFound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_at_the_same_time_all_count() {
    let options = backstay_kube::Options { patch_attempts: 1000, ..backstay_kube::Options::default() };
    let server = Arc::new(Server::with(backstay_store::Memory::new(), options).await);
    server.backend("web").await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let patch = json!({"metadata": {"labels": {format!("l{n}"): "x"}}});
                server.patch(&web(), MERGE, &patch).await.expect(200);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let labels = server.get(&web()).await.expect(200)["metadata"]["labels"].as_object().unwrap().len();
    assert_eq!(labels, 20);
}
