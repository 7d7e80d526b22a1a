//! What another dialect does with objects, beside REST over the same store.

use std::sync::Arc;

use backstay_kube::operations::{Deletion, Direction, Listing, Order, SortBy, Writing};
use backstay_kube::{Operations, Options, Part, bootstrap, rest};
use backstay_resources::Registry;
use backstay_resources::decode::Decoded;
use backstay_store::{Memory, Store};
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
