use serde_json::{Value, json};

use crate::server::{MERGE, Server, TABLE, names};

const NAMESPACES: &str = "/api/v1/namespaces";
const SECRETS: &str = "/api/v1/namespaces/prod/secrets";

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"k": "v"}})
}

#[tokio::test]
async fn default_always_exists() {
    let server = Server::new().await;
    let namespace = server.get(&format!("{NAMESPACES}/default")).await.expect(200);
    assert_eq!(namespace["status"]["phase"], "Active");
    let status = server.delete(&format!("{NAMESPACES}/default")).await.failure(403, "Forbidden");
    assert_eq!(status["message"], r#"namespaces "default" is forbidden: this namespace may not be deleted"#);
    server.delete(NAMESPACES).await.failure(405, "MethodNotAllowed");
    backstay_kube::bootstrap(&server.store, &backstay_resources::Registry::built_in()).await.unwrap();
    assert_eq!(server.get(&format!("{NAMESPACES}/default")).await.expect(200), namespace);
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_does_not_exist() {
    let server = Server::new().await;
    let status = server.post(SECRETS, &secret("s")).await.failure(404, "NotFound");
    assert_eq!(status["message"], r#"namespaces "prod" not found"#);
    assert_eq!(status["details"], json!({"name": "prod", "kind": "namespaces"}));
}

#[tokio::test]
async fn objects_live_in_namespaces() {
    let server = Server::new().await;
    server.post(NAMESPACES, &namespace("prod")).await.expect(201);
    let created = server.post(SECRETS, &secret("s")).await.expect(201);
    assert_eq!(created["metadata"]["namespace"], "prod");
    server.post("/api/v1/namespaces/default/secrets", &secret("s")).await.expect(201);
    assert_eq!(names(&server.get(SECRETS).await.expect(200)), ["s"]);
    let all = server.get("/api/v1/secrets").await.expect(200);
    assert_eq!(names(&all), ["s", "s"]);
    let one = server.get("/api/v1/secrets?fieldSelector=metadata.namespace%3Dprod").await.expect(200);
    assert_eq!(one["items"], json!([created]));
    let table = server.call("GET", "/api/v1/secrets", &[TABLE], "").await.expect(200);
    let columns: Vec<_> = table["columnDefinitions"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert!(!columns.contains(&&json!("Namespace")), "clients add it: {columns:?}");
    assert_eq!(table["rows"][1]["object"]["metadata"]["namespace"], "prod");
    let mut other = secret("t");
    other["metadata"]["namespace"] = "default".into();
    let status = server.post(SECRETS, &other).await.failure(400, "BadRequest");
    let message = "the namespace of the provided object does not match the namespace sent on the request";
    assert_eq!(status["message"], message);
    server.post("/api/v1/secrets", &secret("t")).await.failure(405, "MethodNotAllowed");
    server.delete("/api/v1/secrets").await.failure(405, "MethodNotAllowed");
}

#[tokio::test]
async fn a_namespace_goes_with_its_contents() {
    let server = Server::new().await;
    server.post(NAMESPACES, &namespace("prod")).await.expect(201);
    server.post(NAMESPACES, &namespace("prod-2")).await.expect(201);
    for name in ["a", "b"] {
        server.post(SECRETS, &secret(name)).await.expect(201);
    }
    server.post("/api/v1/namespaces/prod-2/secrets", &secret("a")).await.expect(201);
    let status = server.delete(&format!("{NAMESPACES}/prod")).await.expect(200);
    assert_eq!(status["status"], "Success");
    server.get(&format!("{NAMESPACES}/prod")).await.failure(404, "NotFound");
    assert_eq!(names(&server.get("/api/v1/secrets").await.expect(200)), ["a"], "other namespaces are left alone");
}

#[tokio::test]
async fn a_namespace_waits_for_what_has_finalizers() {
    let server = Server::new().await;
    server.post(NAMESPACES, &namespace("prod")).await.expect(201);
    let mut held = secret("held");
    held["metadata"]["finalizers"] = json!(["example.com/guard"]);
    server.post(SECRETS, &held).await.expect(201);
    server.post(SECRETS, &secret("free")).await.expect(201);
    let waiting = server.delete(&format!("{NAMESPACES}/prod")).await.expect(202);
    assert_eq!(waiting["status"]["phase"], "Terminating");
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(names(&server.get(SECRETS).await.expect(200)), ["held"]);
    let status = server.post(SECRETS, &secret("new")).await.failure(403, "Forbidden");
    assert_eq!(status["details"]["causes"][0]["reason"], "NamespaceTerminating");
    // The last finalizer of the last object lets both go.
    server.patch(&format!("{SECRETS}/held"), MERGE, &json!({"metadata": {"finalizers": null}})).await.expect(200);
    server.get(&format!("{NAMESPACES}/prod")).await.failure(404, "NotFound");
}

#[tokio::test]
async fn an_interrupted_deletion_goes_on_at_start() {
    let server = Server::new().await;
    server.post(NAMESPACES, &namespace("prod")).await.expect(201);
    server.post(SECRETS, &secret("s")).await.expect(201);
    // As if the process had ended right after the namespace was marked.
    let key = backstay_store::Key::new("namespaces", "", "prod");
    let entry = server.store.snapshot().get(&key).unwrap().clone();
    let mut object = backstay_resources::Object::decode(&entry.value.bytes()).unwrap();
    object.metadata.deletion_timestamp = Some(backstay_resources::Timestamp::now());
    let operation = backstay_store::Operation::Put(object.encode().unwrap().into());
    let write = backstay_store::Write { key, expect: backstay_store::Expect::Any, operation };
    server.store.commit(vec![write]).await.unwrap();
    backstay_kube::bootstrap(&server.store, &backstay_resources::Registry::built_in()).await.unwrap();
    server.get(&format!("{NAMESPACES}/prod")).await.failure(404, "NotFound");
    assert!(names(&server.get("/api/v1/secrets").await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_dry_run_deletes_no_namespace() {
    let server = Server::new().await;
    server.post(NAMESPACES, &namespace("prod")).await.expect(201);
    server.delete(&format!("{NAMESPACES}/prod?dryRun=All")).await;
    assert_eq!(server.get(&format!("{NAMESPACES}/prod")).await.expect(200)["status"]["phase"], "Active");
}
