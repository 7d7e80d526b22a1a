//! What another dialect does with objects, beside REST over the same store.

use std::sync::Arc;

use backstay_kube::operations::{Deletion, Direction, Following, Listing, Notice, Order, PatchFormat, SortBy, Writing};
use backstay_kube::{Operations, Options, Part, bootstrap, rest};
use backstay_resources::Registry;
use backstay_resources::decode::Decoded;
use backstay_store::{Memory, Store};
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

async fn operations() -> Operations {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    bootstrap(&store, &Registry::built_in()).await.unwrap();
    // Nothing here watches, so that nobody has to be told of an end.
    Operations::new(store, &Registry::built_in(), Options::default(), watch::channel(false).1)
}

async fn create(operations: &Operations, name: &str) {
    let served = operations.kind("core.apoxy.dev/v1alpha2", "Backend").unwrap();
    let object = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": name},
        "spec": {"endpoints": [{"ip": "10.0.0.1"}]},
    });
    let collection = Operations::collection(&served, "").unwrap();
    let object = Decoded { value: object, duplicates: Vec::new() };
    operations.create(&collection, object, &Writing::new("test", "", false)).await.unwrap();
}

async fn names(operations: &Operations, order: Order, max_bytes: usize) -> Vec<Vec<String>> {
    let served = operations.kind("core.apoxy.dev/v1alpha2", "backends").unwrap();
    let collection = Operations::collection(&served, "").unwrap();
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let listing = Listing { order, limit: 2, max_bytes, after, ..Listing::default() };
        let listed = operations.list(&collection, &listing).await.unwrap();
        pages.push(listed.entries.iter().map(|entry| entry.key.name().to_owned()).collect());
        after = listed.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_follow_one_another_in_every_order_whatever_ends_them() {
    let operations = operations().await;
    for name in ["b", "a", "c"] {
        create(&operations, name).await;
    }
    let order = |by, direction| Order { by, direction };
    let ascending = order(SortBy::Name, Direction::Ascending);
    let descending = order(SortBy::Name, Direction::Descending);
    assert_eq!(names(&operations, ascending, usize::MAX).await, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(names(&operations, descending, usize::MAX).await, [vec!["c", "b"], vec!["a"]]);
    // One byte is room for no object, and each page has one all the same.
    for order in [ascending, order(SortBy::Created, Direction::Ascending)] {
        let pages = names(&operations, order, 1).await;
        assert!(pages.iter().all(|page| page.len() == 1), "{pages:?}");
        let mut all = pages.concat();
        // Those of one second are in the order of names, and a second may end between two.
        all.sort();
        assert_eq!(all, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn what_is_written_past_rest_is_read_by_it() {
    let operations = operations().await;
    create(&operations, "a").await;
    let served = operations.kind("core.apoxy.dev/v1alpha2", "Backend").unwrap();
    let subject = || Operations::subject(&served, "", "a", Part::Whole).unwrap();
    let fields: Map<String, Value> = serde_json::from_value(json!({"metadata": {"labels": {"x": "y"}}})).unwrap();
    let paths = || vec![vec!["metadata".to_owned(), "labels".to_owned()]];
    let writing = Writing::new("test", "", false);
    let changed = operations.update(subject(), fields.clone(), paths(), None, &writing).await.unwrap();
    let stale = operations.update(subject(), fields, paths(), Some(changed.revision - 1), &writing).await;
    assert_eq!(stale.unwrap_err().reason(), "Conflict");
    let request = http::Request::get("/apis/core.apoxy.dev/v1alpha2/backends/a").body(axum::body::Body::empty());
    let response = rest(&operations).oneshot(request.unwrap()).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(bytes, operations.json(&served, &changed.value, changed.revision));
    let deletion = Deletion { revision: Some(changed.revision), ..Deletion::default() };
    assert!(operations.delete(subject(), &deletion).await.unwrap().is_none());
    assert_eq!(operations.get(&subject()).await.unwrap_err().reason(), "NotFound");
}

#[tokio::test]
async fn events_are_those_of_rest_whatever_they_are_kept_in() {
    let operations = operations().await;
    let kinds = ["v1", "events.k8s.io/v1"].map(|version| operations.kind(version, "Event").unwrap());
    let [core, group] = &kinds;
    let collection = |namespace: &str| Operations::collection(core, namespace).unwrap();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "a.1"}, "reason": "Tried", "message": "it was tried",
        "involvedObject": {"kind": "Backend", "name": "a", "namespace": "default"}, "type": "Normal",
    });
    let event = Decoded { value: event, duplicates: Vec::new() };
    let writing = Writing::new("test", "", false);
    operations.create(&collection("default"), event, &writing).await.unwrap();
    let request = http::Request::get("/api/v1/namespaces/default/events/a.1").body(axum::body::Body::empty());
    assert_eq!(rest(&operations).oneshot(request.unwrap()).await.unwrap().status(), 200);

    let subject = |served| Operations::subject(served, "default", "a.1", Part::Whole).unwrap();
    let patch = br#"{"series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:06.123456Z"}}"#;
    operations.patch(subject(group), PatchFormat::Merge, patch, &writing).await.unwrap();
    let stored = operations.get(&subject(core)).await.unwrap();
    let told: Value = serde_json::from_slice(&operations.json(core, &stored.value, stored.revision)).unwrap();
    assert_eq!((&told["message"], &told["series"]["count"]), (&"it was tried".into(), &2.into()));
    for order in [Order::default(), Order { by: SortBy::Created, direction: Direction::Descending }] {
        let listing = Listing { order, limit: 10, max_bytes: usize::MAX, ..Listing::default() };
        assert_eq!(operations.list(&collection(""), &listing).await.unwrap().entries.len(), 1);
    }
    let watched = operations.watch(&collection(""), &Following::default()).await.unwrap();
    let first = Box::pin(watched).next().await.unwrap().unwrap();
    assert!(matches!(first, Notice::Object { entry, .. } if entry.key.name() == "a.1"));
    let deletion = Deletion::default();
    let gone = operations.delete_collection(collection("default"), "", "", &deletion).await.unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(operations.get(&subject(core)).await.unwrap_err().reason(), "NotFound");
}
