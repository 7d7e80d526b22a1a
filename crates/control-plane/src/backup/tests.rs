use backstay_resources::apoxy::BACKEND;
use backstay_resources::{Kind, Object};
use serde_json::json;

use super::{BackupError, dump, restore};

fn backend(name: &str) -> (&'static Kind, Object) {
    let object = json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "generation": 7, "creationTimestamp": "2026-01-02T03:04:05Z",
            "resourceVersion": "123"},
        "spec": {"endpoints": [{"ip": "127.0.0.1"}]}, "status": {"conditions": []}});
    (&BACKEND, serde_json::from_value(object).unwrap())
}

#[tokio::test]
async fn what_is_restored_is_as_it_was_but_for_its_revision() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(restore(directory.path(), vec![backend("a"), backend("b")], false, None).await.unwrap(), 2);
    let objects = dump(directory.path(), None).unwrap();
    let mut expected = serde_json::to_value(&backend("a").1).unwrap();
    expected["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert_eq!(objects[0], expected);
    assert_eq!(objects.len(), 2);
}

#[tokio::test]
async fn a_store_with_objects_is_given_up_only_where_that_is_said_and_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    restore(directory.path(), vec![backend("a")], false, None).await.unwrap();
    let refused = restore(directory.path(), vec![backend("b")], false, None).await;
    assert!(matches!(refused, Err(BackupError::Holds { count: 1, .. })), "{refused:?}");
    assert_eq!(dump(directory.path(), None).unwrap()[0]["metadata"]["name"], "a");
    restore(directory.path(), vec![backend("b")], true, None).await.unwrap();
    assert_eq!(dump(directory.path(), None).unwrap()[0]["metadata"]["name"], "b");
    assert!(directory.path().join("store.redb.before").exists());
}

#[tokio::test]
async fn what_cannot_be_restored_whole_leaves_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    restore(directory.path(), vec![backend("a")], false, None).await.unwrap();
    // The second of one name.
    assert!(restore(directory.path(), vec![backend("b"), backend("b")], true, None).await.is_err());
    assert_eq!(dump(directory.path(), None).unwrap()[0]["metadata"]["name"], "a");
    let missing = dump(&directory.path().join("nowhere"), None);
    assert!(matches!(missing, Err(BackupError::Missing(_))), "{missing:?}");
}
