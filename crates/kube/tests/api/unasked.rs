//! A deletion takes what was named and nothing else: what came out empty, is misspelt or cannot be read deletes nothing.

use backstay_kube::Options;
use backstay_store::Memory;
use serde_json::{Value, json};

use crate::server::{BACKENDS, MERGE, Server, backend, labelled, names, version};

const SECRETS: &str = "/api/v1/namespaces/prod/secrets";

/// Five Backends, of which three are of the app `web`.
async fn filled() -> Server {
    let server = Server::new().await;
    for (name, app) in [("a", "web"), ("b", "web"), ("c", "web"), ("d", "api"), ("e", "api")] {
        server.post(BACKENDS, &labelled(name, "app", app)).await.expect(201);
    }
    server
}

async fn left(server: &Server) -> String {
    names(&server.get(BACKENDS).await.expect(200)).concat()
}

#[tokio::test]
async fn an_empty_name_is_not_the_collection() {
    let server = filled().await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}});
    server.post("/api/v1/namespaces", &namespace).await.expect(201);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    server.post(SECRETS, &secret).await.expect(201);
    for path in [
        format!("{BACKENDS}/"),
        format!("{BACKENDS}//"),
        format!("{BACKENDS}/?dryRun=All"),
        format!("{BACKENDS}/a/"),
        format!("{BACKENDS}//status"),
        format!("{SECRETS}/"),
        // What clients make of the name `..` below the namespace.
        "/api/v1/namespaces/prod/".to_owned(),
        "/api/v1/namespaces//secrets".to_owned(),
        "/api/v1/namespaces//secrets/s".to_owned(),
        "/apis/core.apoxy.dev/v1alpha2//a".to_owned(),
    ] {
        let status = server.delete(&path).await.failure(400, "BadRequest");
        assert!(status["message"].as_str().unwrap().contains("name may not be empty"), "{path}: {status}");
    }
    for name in ["%2F", "a%2F..", "%2e%2e", "..", "%20", "%00", "*"] {
        server.delete(&format!("{BACKENDS}/{name}")).await.failure(404, "NotFound");
    }
    assert_eq!(left(&server).await, "abcde");
    assert_eq!(names(&server.get(SECRETS).await.expect(200)), ["s"]);
    // Clients that read are used to the slash.
    assert_eq!(names(&server.get(&format!("{BACKENDS}/")).await.expect(200)).len(), 5);
    server.get("/apis/").await.expect(200);
}

#[tokio::test]
async fn an_empty_name_changes_no_other_object() {
    let server = filled().await;
    let endpoints = json!({"spec": {"endpoints": [{"fqdn": "other.example.com"}]}});
    for path in [format!("{BACKENDS}/a/"), format!("{BACKENDS}/")] {
        server.patch(&path, MERGE, &endpoints).await.failure(400, "BadRequest");
        server.put(&path, &backend("a")).await.failure(400, "BadRequest");
    }
    assert_eq!(server.get(&format!("{BACKENDS}/a")).await.expect(200)["metadata"]["generation"], 1);
}

#[tokio::test]
async fn a_query_that_is_empty_misspelt_or_unreadable_deletes_nothing() {
    let server = filled().await;
    for query in [
        "labelSelector=",
        "labelSelector=%20",
        "labelSelector=,",
        "labelSelector=app%20in%20web",
        "labelSelector==web",
        "labelselector=app%3Dweb",
        "label=app%3Dweb",
        "fieldSelector=",
        "fieldSelector=,",
        "fieldSelector=spec.nothing%3D1",
        "fieldSelector=metadata.name",
        "name=a",
        "limit=",
        "limit=0",
        "limit=-1",
        "limit=one",
        "limit=1&limit=500",
        "continue=",
        "continue=x",
        "resourceVersion=",
        "resourceVersion=x",
        "dryRun=",
        "dryRun=Some",
        "dryrun=All",
        "watch=true",
        "gracePeriodSeconds=soon",
        "orphanDependents=perhaps",
        "%zz",
    ] {
        server.delete(&format!("{BACKENDS}?{query}")).await.failure(400, "BadRequest");
    }
    for query in ["resourceVersionMatch=Exact", "resourceVersionMatch=Sometimes&resourceVersion=1"] {
        server.delete(&format!("{BACKENDS}?{query}")).await.failure(422, "Invalid");
    }
    assert_eq!(left(&server).await, "abcde");
    // A selector that selects nothing is not an empty one.
    assert!(names(&server.delete(&format!("{BACKENDS}?fieldSelector=metadata.name%3D")).await.expect(200)).is_empty());
    assert_eq!(left(&server).await, "abcde");
}

#[tokio::test]
async fn the_deletion_of_one_object_takes_no_selection() {
    let server = filled().await;
    for query in [
        "labelSelector=app%3Dapi",
        "fieldSelector=metadata.name%3Db",
        "limit=1",
        "resourceVersion=1",
        "dryrun=All",
        "dryRun=",
    ] {
        server.delete(&format!("{BACKENDS}/a?{query}")).await.failure(400, "BadRequest");
    }
    assert_eq!(left(&server).await, "abcde");
}

#[tokio::test]
async fn options_that_are_misspelt_or_written_twice_delete_nothing() {
    let server = filled().await;
    for body in [
        r#"{"dryrun":["All"]}"#,
        r#"{"dryRun":[""]}"#,
        r#"{"dryRun":["All"],"dryRun":[]}"#,
        r#"{"labelSelector":"app=web"}"#,
        r#"{"precondition":{"uid":"x"}}"#,
        r#"{"preconditions":{"UID":"x"}}"#,
        r#"{"preconditions":{"resourceVersion":""}}"#,
        r#"{"kind":"Backend","apiVersion":"core.apoxy.dev/v1alpha2","metadata":{"name":"a"}}"#,
        "null",
        " ",
    ] {
        for path in [BACKENDS.to_owned(), format!("{BACKENDS}/a")] {
            server.call("DELETE", &path, &[], body).await.failure(400, "BadRequest");
        }
    }
    for body in [r#"{"preconditions":{"uid":""}}"#, r#"{"preconditions":{"resourceVersion":"1"}}"#] {
        for path in [BACKENDS.to_owned(), format!("{BACKENDS}/a")] {
            server.call("DELETE", &path, &[], body).await.failure(409, "Conflict");
        }
    }
    assert_eq!(left(&server).await, "abcde");
    let twice = "dryRun=All&dryRun=All";
    assert_eq!(names(&server.delete(&format!("{BACKENDS}?{twice}")).await.expect(200)).len(), 5);
    server.call("DELETE", BACKENDS, &[], r#"{"dryRun":["All"]}"#).await.expect(200);
    assert_eq!(left(&server).await, "abcde");
}

#[tokio::test]
async fn a_precondition_that_one_object_fails_keeps_the_whole_collection() {
    let server = filled().await;
    let uid = server.get(&format!("{BACKENDS}/a")).await.expect(200)["metadata"]["uid"].clone();
    let body = json!({"preconditions": {"uid": uid}}).to_string();
    server.call("DELETE", BACKENDS, &[], body.clone()).await.failure(409, "Conflict");
    assert_eq!(left(&server).await, "abcde");
    let only = format!("{BACKENDS}?fieldSelector=metadata.name%3Da");
    assert_eq!(names(&server.call("DELETE", &only, &[], body).await.expect(200)), ["a"]);
    assert_eq!(left(&server).await, "bcde");
}

#[tokio::test]
async fn a_limit_deletes_one_page_and_says_where_the_next_begins() {
    let server = filled().await;
    let page = async |query: String| server.delete(&format!("{BACKENDS}?{query}")).await.expect(200);
    let token = |page: &Value| page["metadata"]["continue"].as_str().map(str::to_owned);

    let dry = page("limit=2&dryRun=All".to_owned()).await;
    assert_eq!((names(&dry).concat(), left(&server).await), ("ab".to_owned(), "abcde".to_owned()));
    assert!(token(&dry).is_some());

    let first = page("limit=1".to_owned()).await;
    assert_eq!(names(&first), ["a"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 4);
    assert_eq!(left(&server).await, "bcde");
    let second = page(format!("limit=2&continue={}", token(&first).unwrap())).await;
    assert_eq!(names(&second), ["b", "c"]);
    assert_eq!(version(&second), version(&first), "pages are of one state");
    assert_eq!(left(&server).await, "de");
    // Without a limit, the rest; and a token is of no use for another collection.
    server
        .delete(&format!("/api/v1/namespaces/default/secrets?continue={}", token(&second).unwrap()))
        .await
        .failure(400, "BadRequest");
    let last = page(format!("continue={}", token(&second).unwrap())).await;
    assert_eq!((names(&last).concat(), token(&last)), ("de".to_owned(), None));
    assert_eq!(left(&server).await, "");
}

#[tokio::test]
async fn a_limit_counts_what_is_selected() {
    let server = filled().await;
    let first = server.delete(&format!("{BACKENDS}?limit=1&labelSelector=app%3Dapi")).await.expect(200);
    assert_eq!(names(&first), ["d"]);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let query = format!("limit=1&labelSelector=app%3Dapi&continue={token}");
    let last = server.delete(&format!("{BACKENDS}?{query}")).await.expect(200);
    assert_eq!(names(&last), ["e"]);
    assert_eq!(last["metadata"].get("continue"), None);
    assert_eq!(left(&server).await, "abc");
}

#[tokio::test]
async fn later_pages_leave_alone_what_is_no_longer_meant() {
    let server = filled().await;
    let first = server.delete(&format!("{BACKENDS}?limit=1&labelSelector=app%3Dweb")).await.expect(200);
    let token = first["metadata"]["continue"].as_str().unwrap();
    // One has left the selection, and the other is another object of the same name.
    server.patch(&format!("{BACKENDS}/b"), MERGE, &json!({"metadata": {"labels": {"app": "api"}}})).await.expect(200);
    server.delete(&format!("{BACKENDS}/c")).await.expect(200);
    server.post(BACKENDS, &labelled("c", "app", "web")).await.expect(201);
    // This one came after the first page.
    server.post(BACKENDS, &labelled("f", "app", "web")).await.expect(201);
    let query = format!("labelSelector=app%3Dweb&continue={token}");
    server.delete(&format!("{BACKENDS}?{query}")).await.expect(200);
    assert_eq!(left(&server).await, "bcdef");
}

#[tokio::test]
async fn a_state_of_the_past_deletes_only_what_was_there() {
    let server = Server::with(Memory::new(), Options::default()).await;
    let one = server.backend("one").await;
    server.backend("two").await;
    let query = format!("resourceVersion={}&resourceVersionMatch=Exact", version(&one));
    assert_eq!(names(&server.delete(&format!("{BACKENDS}?{query}")).await.expect(200)), ["one"]);
    assert_eq!(left(&server).await, "two");
}

#[tokio::test]
async fn a_dry_run_that_came_out_empty_or_is_said_twice_stores_nothing() {
    let server = Server::new().await;
    let object = backend("new");
    for query in ["dryRun=", "dryRun=All&dryRun=", "dryRun=&dryRun=All"] {
        server.post(&format!("{BACKENDS}?{query}"), &object).await.failure(400, "BadRequest");
    }
    server.post(&format!("{BACKENDS}?dryRun=All&dryRun=All"), &object).await.expect(201);
    assert_eq!(left(&server).await, "");
}
