use std::sync::Arc;

use backstay_resources::Registry;
use backstay_store::{Expect, Key, Memory, Operation, Prefix, Store, Write};
use serde_json::{Value, json};

use super::collect_garbage;
use crate::api::Api;
use crate::delete::{Propagation, prepare};
use crate::options::Options;

const BACKENDS: &str = "backends.core.apoxy.dev";

fn key(name: &str) -> Key {
    Key::new(BACKENDS, "", name)
}

/// A Backend that belongs to others, given by name; `!` before one says that it blocks it.
fn owned(name: &str, owners: &[&str]) -> Value {
    let owner = |owner: &&str| {
        let name = owner.trim_start_matches('!');
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "name": name, "uid": format!("uid-{name}"),
            "blockOwnerDeletion": owner.starts_with('!')})
    };
    let owners: Vec<_> = owners.iter().map(owner).collect();
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "generation": 1, "ownerReferences": owners},
        "spec": {"endpoints": [{"ip": "127.0.0.1"}]}})
}

async fn put(store: &Arc<dyn Store>, object: &Value) {
    let key = key(object["metadata"]["name"].as_str().unwrap());
    let write = Write { key, expect: Expect::Any, operation: Operation::Put(object.to_string().into()) };
    store.commit(vec![write]).await.unwrap();
}

async fn delete(store: &Arc<dyn Store>, name: &str) {
    let write = Write { key: key(name), expect: Expect::Present, operation: Operation::Delete };
    store.commit(vec![write]).await.unwrap();
}

/// Lets the collector run until nothing happens any more, and says what is left.
async fn left(store: &Arc<dyn Store>) -> Vec<String> {
    let run = collect_garbage(store.clone(), Registry::built_in());
    let hour = std::time::Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, run).await.is_err(), "it runs for ever");
    let snapshot = store.snapshot();
    snapshot.list(&Prefix::resource(BACKENDS)).map(|entry| entry.key.name().to_owned()).collect()
}

fn store() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

fn stored(store: &Arc<dyn Store>, name: &str) -> Value {
    serde_json::from_slice(&store.snapshot().get(&key(name)).unwrap().value.bytes()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_nobody_that_is_left_goes_all_the_way_down() {
    let store = store();
    put(&store, &owned("child", &["gone"])).await;
    put(&store, &owned("grandchild", &["child"])).await;
    put(&store, &owned("free", &[])).await;
    assert_eq!(left(&store).await, ["free"]);
}

#[tokio::test(start_paused = true)]
async fn one_owner_that_is_left_is_enough_and_references_to_others_go() {
    let store = store();
    put(&store, &owned("one", &[])).await;
    put(&store, &owned("child", &["one", "gone"])).await;
    assert_eq!(left(&store).await, ["child", "one"]);
    assert_eq!(stored(&store, "child")["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
    delete(&store, "one").await;
    assert_eq!(left(&store).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_owner_of_the_same_name_is_another_one_and_unknown_kinds_keep() {
    let store = store();
    let mut another = owned("one", &[]);
    another["metadata"]["uid"] = "uid-another".into();
    put(&store, &another).await;
    put(&store, &owned("child", &["one"])).await;
    let mut kept = owned("kept", &["one"]);
    kept["metadata"]["ownerReferences"][0]["kind"] = "Unknown".into();
    put(&store, &kept).await;
    assert_eq!(left(&store).await, ["kept", "one"]);
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_an_owner_waits_for_what_blocks_it() {
    let store = store();
    put(&store, &owned("one", &[])).await;
    let mut child = owned("child", &["!one"]);
    child["metadata"]["finalizers"] = json!(["example.com/guard"]);
    put(&store, &child).await;
    let (_sender, never) = tokio::sync::watch::channel(false);
    let api = Api::new(store.clone(), &Registry::built_in(), Options::default(), never);
    prepare(&api, &key("one"), "uid-one", Propagation::Foreground).await.unwrap();
    let mut one = stored(&store, "one");
    assert_eq!(one["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    one["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
    put(&store, &one).await;
    assert_eq!(left(&store).await, ["child", "one"]);
    delete(&store, "child").await;
    assert_eq!(left(&store).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn orphans_lose_their_reference_and_stay() {
    let store = store();
    put(&store, &owned("one", &[])).await;
    put(&store, &owned("child", &["!one"])).await;
    let (_sender, never) = tokio::sync::watch::channel(false);
    let api = Api::new(store.clone(), &Registry::built_in(), Options::default(), never);
    prepare(&api, &key("one"), "uid-one", Propagation::Orphan).await.unwrap();
    delete(&store, "one").await;
    assert_eq!(left(&store).await, ["child"]);
    assert_eq!(stored(&store, "child")["metadata"].get("ownerReferences"), None);
}
