//! What many clients do to a namespace at the same time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use backstay_kube::Options;
use backstay_resources::Object;
use backstay_store::{Change, History, Limits, Memory, Prefix, Retention, Store};
use http::StatusCode;
use serde_json::{Value, json};

use crate::server::{BACKENDS, MERGE, Server, labelled, names};

const NAMESPACES: &str = "/api/v1/namespaces";
const PROD: &str = "/api/v1/namespaces/prod";
const SECRETS: &str = "/api/v1/namespaces/prod/secrets";

fn prod() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"k": "v"}})
}

/// Walks through all that happened: nothing is ever created in a namespace that is not there or is going away, and a
/// namespace that goes leaves nothing behind. Returns how often one went.
async fn check_history(store: &dyn Store) -> usize {
    let mut open: HashMap<String, bool> = HashMap::new();
    let mut contents: BTreeSet<(String, String)> = BTreeSet::new();
    let mut gone = 0;
    let newest = store.snapshot().revision();
    let mut watch = store.watch(Prefix::all(), 0).unwrap();
    while watch.revision() < newest {
        for event in watch.next().await.unwrap() {
            let key = event.change.entry().key.clone();
            let place = (key.namespace().to_owned(), key.name().to_owned());
            match (key.resource(), &event.change) {
                ("namespaces", Change::Deleted(_)) => {
                    open.remove(key.name());
                    let left: Vec<_> = contents.iter().filter(|(namespace, _)| namespace == key.name()).collect();
                    assert!(left.is_empty(), "{left:?} is left in a namespace that is gone");
                    gone += 1;
                }
                ("namespaces", Change::Created(entry) | Change::Updated { entry, .. }) => {
                    let object = Object::decode(&entry.value.bytes()).unwrap();
                    open.insert(key.name().to_owned(), object.metadata.deletion_timestamp.is_none());
                }
                ("secrets", Change::Created(_)) => {
                    assert_eq!(open.get(key.namespace()), Some(&true), "{key} was created at {}", event.revision);
                    contents.insert(place);
                }
                ("secrets", Change::Deleted(_)) => drop(contents.remove(&place)),
                _ => {}
            }
        }
    }
    gone
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_object_is_left_in_a_namespace_that_goes_while_many_create() {
    const WRITERS: usize = 16;
    const ROUNDS: usize = 25;
    let server = Arc::new(Server::new().await);
    server.post(NAMESPACES, &prod()).await.expect(201);
    let writers = (0..WRITERS).map(|writer| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let mut created = 0;
            for index in 0..2 * ROUNDS {
                let reply = server.post(SECRETS, &secret(&format!("s-{writer}-{index}"))).await;
                match reply.status.as_u16() {
                    201 => created += 1,
                    404 => assert_eq!(reply.json()["details"]["kind"], "namespaces", "{}", reply.text()),
                    403 => assert_eq!(reply.json()["details"]["causes"][0]["reason"], "NamespaceTerminating"),
                    _ => panic!("{}: {}", reply.status, reply.text()),
                }
                tokio::task::yield_now().await;
            }
            created
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..ROUNDS {
        let reply = server.delete(PROD).await;
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&reply.status), "{}", reply.text());
        tokio::task::yield_now().await;
        server.post(NAMESPACES, &prod()).await.expect(201);
        tokio::task::yield_now().await;
    }
    let mut created = 0;
    for writer in writers {
        created += writer.await.unwrap();
    }
    assert_eq!(server.delete(PROD).await.status, StatusCode::OK);
    assert!(created > 0, "some found it open");
    assert_eq!(check_history(&*server.store).await, ROUNDS + 1);
    assert!(names(&server.get("/api/v1/secrets").await.expect(200)).is_empty());
    let left: Vec<_> = server.store.snapshot().list(&Prefix::all()).map(|entry| entry.key.to_string()).collect();
    assert!(!left.iter().any(|key| key.contains("prod")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_edits_a_namespace_is_in_the_way_of_nobody_who_creates_in_it() {
    let server = Arc::new(Server::new().await);
    server.post(NAMESPACES, &prod()).await.expect(201);
    let editors = (0..4).map(|editor| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            for index in 0..200 {
                let label = json!({"metadata": {"labels": {format!("e{editor}"): index.to_string()}}});
                // Editors are in each other's way, as they are in Kubernetes.
                let status = server.patch(PROD, MERGE, &label).await.status;
                assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{status}");
            }
        })
    });
    let creators = (0..4).map(|creator| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            for index in 0..200 {
                server.post(SECRETS, &secret(&format!("s-{creator}-{index}"))).await.expect(201);
            }
        })
    });
    for task in editors.chain(creators).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(names(&server.get(SECRETS).await.expect(200)).len(), 800);
}

#[tokio::test]
async fn a_taken_name_is_told_only_of_a_namespace_that_is_open() {
    let server = Server::new().await;
    server.post(NAMESPACES, &prod()).await.expect(201);
    let mut held = secret("held");
    held["metadata"]["finalizers"] = json!(["example.com/guard"]);
    server.post(SECRETS, &held).await.expect(201);
    server.post(SECRETS, &held).await.failure(409, "AlreadyExists");
    server.delete(PROD).await.expect(202);
    server.post(SECRETS, &held).await.failure(403, "Forbidden");
}

/// A store whose commits are small: what deletes many objects divides them.
#[tokio::test]
async fn many_are_deleted_however_few_one_commit_takes() {
    let limits = Limits { operations: 5, ..Limits::default() };
    let store = Memory::with(limits, History::default(), Retention::default());
    let server = Server::with(store, Options::default()).await;
    for index in 0..12 {
        server.post(BACKENDS, &labelled(&format!("b-{index}"), "app", "x")).await.expect(201);
    }
    let gone = server.delete(&format!("{BACKENDS}?labelSelector=app%3Dx")).await.expect(200);
    assert_eq!(names(&gone).len(), 12);
    assert!(names(&server.get(BACKENDS).await.expect(200)).is_empty());
    server.post(NAMESPACES, &prod()).await.expect(201);
    for index in 0..12 {
        server.post(SECRETS, &secret(&format!("s-{index}"))).await.expect(201);
    }
    server.delete(PROD).await.expect(200);
    assert_eq!(check_history(&*server.store).await, 1);
}

#[tokio::test]
async fn an_object_that_the_store_does_not_take_is_refused_with_a_sentence() {
    let limits = Limits { commit_bytes: 1000, ..Limits::default() };
    let store = Memory::with(limits, History::default(), Retention::default());
    let server = Server::with(store, Options::default()).await;
    let status = server.post(BACKENDS, &labelled("b", "app", "x")).await;
    status.expect(201);
    let mut large = labelled("large", "app", "x");
    large["metadata"]["annotations"] = json!({"a": "x".repeat(1000)});
    let status = server.post(BACKENDS, &large).await.failure(413, "RequestEntityTooLarge");
    assert!(status["message"].as_str().unwrap().contains("at most 1000 are taken"), "{status}");
}
