use std::sync::Arc;

use backstay_kube::Options;
use backstay_store::{History, Limits, Memory, Retention};
use serde_json::{Value, json};

use crate::server::{BACKENDS, JSON_PATCH, MERGE, Server, TABLE, backend, labelled, version};

fn path(name: &str) -> String {
    format!("{BACKENDS}/{name}")
}

#[tokio::test]
async fn everything_after_a_version() {
    let server = Server::new().await;
    let first = server.backend("a").await;
    let mut watch = server.watch(&format!("resourceVersion={}", version(&first))).await;
    let created = server.backend("b").await;
    let updated = server.patch(&path("b"), MERGE, &json!({"spec": {"protocol": "h2"}})).await.expect(200);
    server.delete(&path("b")).await.expect(200);
    assert_eq!(watch.expect("ADDED", "b").await, created);
    assert_eq!(watch.expect("MODIFIED", "b").await, updated);
    let mut deleted = watch.expect("DELETED", "b").await;
    assert!(version(&deleted) > version(&updated), "the version of the deletion");
    deleted["metadata"]["resourceVersion"] = updated["metadata"]["resourceVersion"].clone();
    assert_eq!(deleted, updated, "the last state");
}

#[tokio::test]
async fn without_a_version_what_exists_comes_first() {
    let server = Server::new().await;
    let existing = server.backend("a").await;
    for query in ["", "resourceVersion=", "resourceVersion=0"] {
        let mut watch = server.watch(query).await;
        assert_eq!(watch.expect("ADDED", "a").await, existing);
    }
    let mut watch = server.watch_at(BACKENDS, "watch=1", &[]).await;
    watch.expect("ADDED", "a").await;
    server.backend("b").await;
    watch.expect("ADDED", "b").await;
}

#[tokio::test]
async fn a_parameter_without_a_value_is_set() {
    let server = Server::new().await;
    server.backend("a").await;
    for query in ["watch&timeoutSeconds=1", "watch=&timeoutSeconds=1"] {
        let reply = server.get(&format!("{BACKENDS}?{query}")).await;
        let event: Value = serde_json::from_slice(&reply.bytes).unwrap();
        assert_eq!(event["type"], "ADDED", "{query}");
    }
    // But one that takes over what others own.
    let apply = [("content-type", "application/apply-patch+yaml")];
    let query = "fieldManager=me&force=";
    let body = backend("a").to_string();
    server.call("PATCH", &format!("{}?{query}", path("a")), &apply, body).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn other_kinds_and_namespaces_are_not_told() {
    let server = Server::new().await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}});
    server.post("/api/v1/namespaces", &namespace).await.expect(201);
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    let mut one = server.watch_at("/api/v1/namespaces/prod/secrets", "", &[]).await;
    let mut all = server.watch_at("/api/v1/secrets", "", &[]).await;
    server.backend("web").await;
    server.post("/api/v1/namespaces/default/secrets", &secret("a")).await.expect(201);
    server.post("/api/v1/namespaces/prod/secrets", &secret("b")).await.expect(201);
    one.expect("ADDED", "b").await;
    all.expect("ADDED", "a").await;
    all.expect("ADDED", "b").await;
}

#[tokio::test]
async fn what_enters_a_selection_is_new_and_what_leaves_it_is_gone() {
    let server = Server::new().await;
    let mut watch = server.watch("labelSelector=app%3Dweb").await;
    server.backend("a").await;
    let label = |value: Value| json!({"metadata": {"labels": {"app": value}}});
    server.patch(&path("a"), MERGE, &label("web".into())).await.expect(200);
    server.patch(&path("a"), MERGE, &json!({"spec": {"protocol": "h2"}})).await.expect(200);
    let left = server.patch(&path("a"), MERGE, &label(Value::Null)).await.expect(200);
    server.patch(&path("a"), MERGE, &json!({"spec": {"protocol": "tls"}})).await.expect(200);
    server.delete(&path("a")).await.expect(200);
    server.post(BACKENDS, &labelled("b", "app", "web")).await.expect(201);
    watch.expect("ADDED", "a").await;
    watch.expect("MODIFIED", "a").await;
    let deleted = watch.expect("DELETED", "a").await;
    assert_eq!(deleted["metadata"]["labels"]["app"], "web", "as it was while selected");
    assert_eq!(version(&deleted), version(&left));
    watch.expect("ADDED", "b").await;
}

#[tokio::test]
async fn one_object_by_its_name() {
    let server = Server::new().await;
    server.backend("a").await;
    let mut watch = server.watch("fieldSelector=metadata.name%3Db&resourceVersion=0").await;
    server.backend("b").await;
    watch.expect("ADDED", "b").await;
}

#[tokio::test]
async fn the_state_first_and_then_a_mark() {
    let server = Server::new().await;
    server.backend("a").await;
    let last = server.backend("b").await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    for version_query in ["", "&resourceVersion=", "&resourceVersion=0"] {
        let mut watch = server.watch(&format!("{query}{version_query}")).await;
        watch.expect("ADDED", "a").await;
        watch.expect("ADDED", "b").await;
        let mark = watch.next().await.unwrap();
        assert_eq!(mark["type"], "BOOKMARK");
        assert_eq!(mark["object"]["kind"], "Backend");
        assert_eq!(mark["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
        assert_eq!(version(&mark["object"]), version(&last));
        assert!(mark["object"].get("spec").is_none());
    }
    let mut watch = server.watch(query).await;
    for _ in 0..3 {
        watch.next().await.unwrap();
    }
    server.backend("c").await;
    watch.expect("ADDED", "c").await;
}

#[tokio::test]
async fn no_state_first_when_told_so() {
    let server = Server::new().await;
    server.backend("a").await;
    let mut watch = server.watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan").await;
    server.backend("b").await;
    watch.expect("ADDED", "b").await;
}

#[tokio::test]
async fn combinations_that_would_leave_a_client_waiting_are_refused() {
    let server = Server::new().await;
    for query in [
        "sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1",
        "resourceVersionMatch=NotOlderThan&resourceVersion=1",
        "continue=abc",
    ] {
        server.get(&format!("{BACKENDS}?watch=true&{query}")).await.failure(422, "Invalid");
    }
    server.get(&format!("{BACKENDS}?watch=true&resourceVersion=999")).await.failure(410, "Expired");
    server.get(&format!("{BACKENDS}?watch=true&fieldSelector=spec.x%3D1")).await.failure(400, "BadRequest");
    let yaml = [("accept", "application/yaml")];
    server.call("GET", &format!("{BACKENDS}?watch=true"), &yaml, "").await.failure(406, "NotAcceptable");
}

fn forgetful(events: usize) -> Memory {
    Memory::with(Limits::default(), History { events, ..History::default() }, Retention::default())
}

#[tokio::test]
async fn a_version_that_is_too_old_is_gone() {
    let server = Server::with(forgetful(2), Options::default()).await;
    for name in ["a", "b", "c", "d"] {
        server.backend(name).await;
    }
    let status = server.get(&format!("{BACKENDS}?watch=true&resourceVersion=1")).await.failure(410, "Expired");
    assert!(status["message"].as_str().unwrap().starts_with("too old resource version: 1 ("), "{status}");
}

#[tokio::test]
async fn who_falls_behind_is_told_so() {
    let server = Server::with(forgetful(2), Options::default()).await;
    let mut watch = server.watch("resourceVersion=1").await;
    for name in ["a", "b", "c", "d"] {
        server.backend(name).await;
    }
    let error = watch.next().await.unwrap();
    assert_eq!(error["type"], "ERROR");
    assert_eq!(error["object"]["kind"], "Status");
    assert_eq!(error["object"]["code"], 410);
    assert_eq!(error["object"]["reason"], "Expired");
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_its_client_wants() {
    let server = Server::new().await;
    let start = tokio::time::Instant::now();
    let mut watch = server.watch("timeoutSeconds=7").await;
    assert_eq!(watch.next().await, None);
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_in_any_case() {
    let server = Server::new().await;
    let start = tokio::time::Instant::now();
    let mut watch = server.watch("").await;
    assert_eq!(watch.next().await, None);
    let minutes = start.elapsed().as_secs() / 60;
    assert!((30..=60).contains(&minutes), "{minutes}");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_tell_how_far_a_watch_has_come() {
    let server = Server::new().await;
    let mut watch = server.watch("allowWatchBookmarks=true&timeoutSeconds=150&resourceVersion=1").await;
    // Changes of other kinds move it on, too.
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}});
    let other = server.post("/api/v1/namespaces", &namespace).await.expect(201);
    for _ in 0..3 {
        let bookmark = watch.next().await.unwrap();
        assert_eq!(bookmark["type"], "BOOKMARK");
        let object = &bookmark["object"];
        assert_eq!(version(object), version(&other));
        assert_eq!(object["kind"], "Backend");
        assert_eq!(object["apiVersion"], "core.apoxy.dev/v1alpha2");
        assert_eq!(object.as_object().unwrap().len(), 3);
    }
    assert_eq!(watch.next().await, None, "the third is the last, at the end");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_only_for_who_allows_them() {
    let server = Server::new().await;
    let mut watch = server.watch("timeoutSeconds=600").await;
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_table_for_each_event() {
    let server = Server::new().await;
    let mut watch = server.watch_at(BACKENDS, "includeObject=Object", &[TABLE]).await;
    let created = server.backend("a").await;
    let event = watch.next().await.unwrap();
    assert_eq!(event["type"], "ADDED");
    assert_eq!(event["object"]["kind"], "Table");
    assert!(event["object"]["columnDefinitions"].is_array());
    assert_eq!(event["object"]["rows"].as_array().unwrap().len(), 1);
    assert_eq!(event["object"]["rows"][0]["cells"][0], "a");
    assert_eq!(event["object"]["rows"][0]["object"], created);
}

#[tokio::test]
async fn metadata_for_each_event() {
    let server = Server::new().await;
    let partial = [("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")];
    let mut watch = server.watch_at(BACKENDS, "", &partial).await;
    server.backend("a").await;
    let object = watch.expect("ADDED", "a").await;
    assert_eq!(object["kind"], "PartialObjectMetadata");
    assert!(object.get("spec").is_none());
}

#[tokio::test]
async fn watches_end_cleanly_when_the_server_stops() {
    let server = Server::new().await;
    let created = server.backend("a").await;
    let query = format!("allowWatchBookmarks=true&resourceVersion={}", version(&created));
    let mut watch = server.watch(&query).await;
    let mut plain = server.watch(&format!("resourceVersion={}", version(&created))).await;
    server.shutdown.send(true).unwrap();
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(version(&bookmark["object"]), version(&created));
    assert_eq!(watch.next().await, None);
    assert_eq!(plain.next().await, None);
}

#[tokio::test]
async fn as_many_watches_as_allowed() {
    let server = Server::with(Memory::new(), Options { max_watches: 2, ..Options::default() }).await;
    let first = server.watch("").await;
    let _second = server.watch("").await;
    let reply = server.get(&format!("{BACKENDS}?watch=true")).await;
    assert_eq!(reply.header("retry-after"), "1");
    reply.failure(429, "TooManyRequests");
    drop(first);
    server.watch("").await;
}

#[tokio::test]
async fn watches_are_not_compressed() {
    let server = Server::new().await;
    let mut watch = server.watch_at(BACKENDS, "", &[("accept-encoding", "gzip")]).await;
    server.backend("a").await;
    watch.expect("ADDED", "a").await;
}

#[tokio::test]
async fn the_last_finalizer_is_followed_by_a_deletion() {
    let server = Server::new().await;
    let mut object = backend("a");
    object["metadata"]["finalizers"] = json!(["example.com/guard"]);
    server.post(BACKENDS, &object).await.expect(201);
    let mut watch = server.watch("").await;
    server.delete(&path("a")).await.expect(202);
    let removed = json!([{"op": "remove", "path": "/metadata/finalizers/0"}]);
    server.patch(&path("a"), JSON_PATCH, &removed).await.expect(200);
    watch.expect("ADDED", "a").await;
    let marked = watch.expect("MODIFIED", "a").await;
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    watch.expect("DELETED", "a").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_and_a_watch_are_the_state() {
    let server = Arc::new(Server::new().await);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for n in 0..60 {
                    let name = format!("w{writer}-{}", n % 7);
                    match server.post(BACKENDS, &backend(&name)).await.status.as_u16() {
                        201 => {}
                        _ if n % 3 == 0 => drop(server.delete(&path(&name)).await),
                        _ => {
                            let label = json!({"metadata": {"labels": {"n": n.to_string()}}});
                            server.patch(&path(&name), MERGE, &label).await;
                        }
                    }
                }
            })
        })
        .collect();
    let list = server.get(BACKENDS).await.expect(200);
    let mut watch = server.watch(&format!("resourceVersion={}", version(&list))).await;
    let mut state: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    for item in list["items"].as_array().unwrap() {
        state.insert(item["metadata"]["name"].as_str().unwrap().to_owned(), item.clone());
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let end = server.backend("zz-end").await;
    let mut last = version(&list);
    loop {
        let event = watch.next().await.unwrap();
        let object = event["object"].clone();
        assert!(version(&object) > last, "in order and none twice");
        last = version(&object);
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let known = state.contains_key(&name);
        match event["type"].as_str().unwrap() {
            "ADDED" => assert!(!known),
            "MODIFIED" | "DELETED" => assert!(known),
            other => panic!("{other}"),
        }
        if event["type"] == "DELETED" {
            state.remove(&name);
        } else {
            state.insert(name, object.clone());
        }
        if object == end {
            break;
        }
    }
    let now = server.get(BACKENDS).await.expect(200);
    let state: Vec<Value> = state.into_values().collect();
    assert_eq!(now["items"], Value::Array(state));
}
