use serde_json::json;

use crate::server::{BACKENDS, JSON_PATCH, MERGE, Server, backend, labelled, names, version};

fn web() -> String {
    format!("{BACKENDS}/web")
}

#[tokio::test]
async fn delete_says_what_is_gone() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let options =
        r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","gracePeriodSeconds":0}"#;
    let status = server.call("DELETE", &web(), &[("content-type", "application/json")], options).await.expect(200);
    assert_eq!(status["status"], "Success");
    assert_eq!(status["kind"], "Status");
    let uid = &created["metadata"]["uid"];
    let details = json!({"name": "web", "group": "core.apoxy.dev", "kind": "backends", "uid": uid});
    assert_eq!(status["details"], details);
    server.get(&web()).await.failure(404, "NotFound");
    server.delete(&web()).await.failure(404, "NotFound");
}

#[tokio::test]
async fn options_in_the_body_or_in_the_query() {
    let server = Server::new().await;
    for policy in ["Background", "Foreground", "Orphan"] {
        server.backend("web").await;
        server.delete(&format!("{}?propagationPolicy={policy}&gracePeriodSeconds=0", web())).await.expect(200);
    }
    server.backend("web").await;
    server.delete(&format!("{}?propagationPolicy=Sideways", web())).await.failure(422, "Invalid");
    for body in [r#"{"propagationPolicy":"x"}"#, r#"{"gracePeriodSeconds":-1}"#] {
        server.call("DELETE", &web(), &[], body).await.failure(422, "Invalid");
    }
    for body in ["{", "[]", r#"{"kind":"Backend"}"#, r#"{"dryRun":["Some"]}"#, r#"{"dryRun":1}"#] {
        server.call("DELETE", &web(), &[], body).await.failure(400, "BadRequest");
    }
    server.get(&web()).await.expect(200);
}

#[tokio::test]
async fn preconditions() {
    let server = Server::new().await;
    let created = server.backend("web").await;
    let body = json!({"preconditions": {"uid": "other"}}).to_string();
    let status = server.call("DELETE", &web(), &[], body).await.failure(409, "Conflict");
    assert!(
        status["message"].as_str().unwrap().contains("Precondition failed: UID in precondition: other"),
        "{status}"
    );
    let body = json!({"preconditions": {"resourceVersion": "1"}}).to_string();
    server.call("DELETE", &web(), &[], body).await.failure(409, "Conflict");
    let version = version(&created).to_string();
    let body = json!({"preconditions": {"uid": created["metadata"]["uid"], "resourceVersion": version}}).to_string();
    server.call("DELETE", &web(), &[], body).await.expect(200);
}

#[tokio::test]
async fn finalizers_hold_an_object() {
    let server = Server::new().await;
    let mut object = backend("web");
    object["metadata"]["finalizers"] = json!(["example.com/one", "example.com/two"]);
    let created = server.post(BACKENDS, &object).await.expect(201);
    let waiting = server.delete(&web()).await.expect(202);
    assert_eq!(waiting["kind"], "Backend");
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(waiting["metadata"]["deletionGracePeriodSeconds"], 0);
    assert_eq!(waiting["metadata"]["generation"], 2);
    assert!(version(&waiting) > version(&created));
    assert_eq!(server.delete(&web()).await.expect(202), waiting, "a second deletion changes nothing");

    let added = json!([{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/three"}]);
    let status = server.patch(&web(), JSON_PATCH, &added).await.failure(422, "Invalid");
    assert_eq!(status["details"]["causes"][0]["reason"], "FieldValueForbidden");
    assert_eq!(status["details"]["causes"][0]["field"], "metadata.finalizers");
    let revived = server.patch(&web(), MERGE, &json!({"metadata": {"deletionTimestamp": null}})).await.expect(200);
    assert!(revived["metadata"]["deletionTimestamp"].is_string());

    let one = json!({"metadata": {"finalizers": ["example.com/two"]}});
    server.patch(&web(), MERGE, &one).await.expect(200);
    server.get(&web()).await.expect(200);
    server.patch(&web(), MERGE, &json!({"metadata": {"finalizers": null}})).await.expect(200);
    server.get(&web()).await.failure(404, "NotFound");
}

#[tokio::test]
async fn a_collection_by_selector() {
    let server = Server::new().await;
    for (name, app) in [("a", "web"), ("b", "api"), ("c", "web")] {
        server.post(BACKENDS, &labelled(name, "app", app)).await.expect(201);
    }
    let deleted = server.delete(&format!("{BACKENDS}?labelSelector=app%3Dweb")).await.expect(200);
    assert_eq!(deleted["kind"], "BackendList");
    assert_eq!(names(&deleted), ["a", "c"]);
    assert_eq!(names(&server.get(BACKENDS).await.expect(200)), ["b"]);
    server.delete(&format!("{BACKENDS}?fieldSelector=metadata.name%3Db")).await.expect(200);
    assert!(names(&server.get(BACKENDS).await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_large_collection_with_some_that_wait() {
    let server = Server::new().await;
    for n in 0..300 {
        let mut object = backend(&format!("web-{n:03}"));
        if n % 100 == 0 {
            object["metadata"]["finalizers"] = json!(["example.com/guard"]);
        }
        server.post(BACKENDS, &object).await.expect(201);
    }
    assert_eq!(names(&server.delete(BACKENDS).await.expect(200)).len(), 300);
    let left = server.get(BACKENDS).await.expect(200);
    assert_eq!(names(&left), ["web-000", "web-100", "web-200"]);
    assert!(left["items"][0]["metadata"]["deletionTimestamp"].is_string());
}

#[tokio::test]
async fn what_clients_send_of_themselves_is_taken() {
    let server = Server::new().await;
    let path = format!("{BACKENDS}/web");
    // kubectl, Helm and controller-runtime; fabric8; kube-rs; PyPI kubernetes.
    let bodies = [
        r#"{"propagationPolicy":"Background"}"#,
        r#"{"kind":"DeleteOptions","apiVersion":"core.apoxy.dev/v1alpha2","propagationPolicy":"Foreground"}"#,
        r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"dryRun":[]}"#,
        r#"{"kind":"","apiVersion":"","orphanDependents":false,"preconditions":null}"#,
        r#"{"ignoreStoreReadErrorWithClusterBreakingPotential":false,"preconditions":{}}"#,
        "{}",
        "",
    ];
    let queries = [
        "",
        "?",
        "?gracePeriodSeconds=0&timeout=30s&pretty=true",
        "?fieldManager=me&fieldValidation=Ignore",
        "?ignoreStoreReadErrorWithClusterBreakingPotential=false&dryRun=All",
    ];
    let of_collections = [
        "?timeoutSeconds=30&labelSelector=app%3Dweb&limit=500&resourceVersion=0",
        "?watch=false&allowWatchBookmarks=true&resourceVersion=0&resourceVersionMatch=NotOlderThan",
    ];
    for body in bodies {
        for query in queries {
            server.post(BACKENDS, &backend("web")).await;
            server.call("DELETE", &format!("{path}{query}"), &[], body).await.expect(200);
        }
        for query in queries.iter().chain(&of_collections) {
            server.call("DELETE", &format!("{BACKENDS}{query}"), &[], body).await.expect(200);
        }
    }
    server.post(BACKENDS, &backend("web")).await;
    server.delete(&format!("{path}?orphanDependents=false")).await.expect(200);
    server.post(BACKENDS, &backend("web")).await;
    let ignore = "ignoreStoreReadErrorWithClusterBreakingPotential=true";
    let failure = server.delete(&format!("{path}?{ignore}")).await.failure(422, "Invalid");
    assert_eq!(failure["details"]["causes"][0]["field"], "ignoreStoreReadErrorWithClusterBreakingPotential");
    let failure = server.delete(&format!("{BACKENDS}?sendInitialEvents=true")).await.failure(422, "Invalid");
    assert_eq!(failure["details"]["causes"][0]["field"], "sendInitialEvents");
    server.get(&path).await.expect(200);
}

#[tokio::test]
async fn what_goes_is_held_by_nobody_who_did_not_before() {
    let server = Server::new().await;
    let path = format!("{BACKENDS}/web");
    let mut object = backend("web");
    object["metadata"]["finalizers"] = json!(["a.b/one", "a.b/two"]);
    server.post(BACKENDS, &object).await.expect(201);
    server.delete(&path).await.expect(202);
    for finalizers in [json!(["a.b/one", "a.b/two", "a.b/three"]), json!(["a.b/three"])] {
        let patch = json!({"metadata": {"finalizers": finalizers}});
        let failure = server.patch(&path, MERGE, &patch).await.failure(422, "Invalid");
        assert_eq!(failure["details"]["causes"][0]["field"], "metadata.finalizers");
    }
    // Each lets go in its turn, in any order.
    server.patch(&path, MERGE, &json!({"metadata": {"finalizers": ["a.b/two"]}})).await.expect(200);
    server.patch(&path, MERGE, &json!({"metadata": {"finalizers": []}})).await.expect(200);
    server.get(&path).await.failure(404, "NotFound");
}
