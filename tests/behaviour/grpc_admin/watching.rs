//! Watches: from a revision, without gap or duplicate, whoever writes meanwhile.

use std::collections::BTreeMap;

use backstay_proto::admin::{
    Backend, DeleteBackendRequest, EventType, ListBackendsRequest, UpdateBackendRequest, WatchBackendsRequest,
    WatchBackendsResponse,
};
use tonic::Streaming;

use super::client::{Backends, backend, channel, create, patient_channel};
use crate::harness::{ControlPlane, PATIENCE};

/// How many Backends each of the writers makes, changes and deletes.
const EACH: usize = 60;
const WRITERS: usize = 4;

async fn next(watch: &mut Streaming<WatchBackendsResponse>) -> WatchBackendsResponse {
    tokio::time::timeout(PATIENCE, watch.message()).await.expect("an event").unwrap().expect("the watch goes on")
}

async fn write(mut backends: Backends, writer: usize) {
    for number in 0..EACH {
        let name = format!("w{writer}-{number}");
        create(&mut backends, &name, "10.0.0.1").await;
        let request = UpdateBackendRequest { backend: Some(backend(&name, "10.0.0.2")), ..Default::default() };
        backends.update_backend(request).await.unwrap();
        if number % 2 == 0 {
            let request = DeleteBackendRequest { name: format!("backends/{name}"), ..Default::default() };
            backends.delete_backend(request).await.unwrap();
        }
    }
}

/// Follows to the Backend `last`, and returns what is there then. Fails where an event does not follow from those before.
async fn follow(watch: &mut Streaming<WatchBackendsResponse>, last: &str, from: u64) -> BTreeMap<String, Backend> {
    let mut there = BTreeMap::new();
    let mut revision = from;
    loop {
        let event = next(watch).await;
        let kind = event.r#type();
        let Some(backend) = event.backend else {
            assert!(matches!(kind, EventType::Bookmark | EventType::Synchronized), "{kind:?}");
            continue;
        };
        assert!(event.revision > revision, "{} after {revision}", event.revision);
        revision = event.revision;
        let name = backend.name.clone();
        match kind {
            EventType::Added => assert!(there.insert(name.clone(), backend).is_none(), "{name} is added twice"),
            EventType::Modified => assert!(there.insert(name.clone(), backend).is_some(), "{name} was never added"),
            EventType::Deleted => assert!(there.remove(&name).is_some(), "{name} was never there"),
            other => panic!("{other:?}"),
        }
        if name == last {
            return there;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_and_nothing_told_twice_under_writers() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(channel(&control_plane).await);
    let from = backends.list_backends(ListBackendsRequest::default()).await.unwrap().into_inner().revision;
    let mut watcher = Backends::new(patient_channel(&control_plane).await);
    let request = WatchBackendsRequest { revision: from, bookmarks: true, ..Default::default() };
    let mut early = watcher.watch_backends(request.clone()).await.unwrap().into_inner();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(backends.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    create(&mut backends, "last", "10.0.0.1").await;
    let found = follow(&mut early, "backends/last", from).await;
    // One that begins after all of it at the same revision is told the same.
    let mut late = watcher.watch_backends(request).await.unwrap().into_inner();
    let again = follow(&mut late, "backends/last", from).await;
    let names = |backends: &BTreeMap<String, Backend>| backends.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&again));
    assert_eq!(found.len(), WRITERS * EACH / 2 + 1);
}

#[tokio::test]
async fn without_a_revision_what_there_is_comes_first() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(patient_channel(&control_plane).await);
    for name in ["a", "b"] {
        create(&mut backends, name, "10.0.0.1").await;
    }
    let mut watch = backends.watch_backends(WatchBackendsRequest::default()).await.unwrap().into_inner();
    let mut names = Vec::new();
    let revision = loop {
        let event = next(&mut watch).await;
        match (event.r#type(), event.backend) {
            (EventType::Added, Some(backend)) => {
                assert_eq!(event.revision, 0, "nobody can go on from here");
                names.push(backend.name);
            }
            (EventType::Synchronized, None) => break event.revision,
            (other, _) => panic!("{other:?}"),
        }
    };
    assert_eq!(names, ["backends/a", "backends/b"]);
    create(&mut backends, "c", "10.0.0.1").await;
    // Their statuses may come before.
    loop {
        let event = next(&mut watch).await;
        assert!(event.revision > revision);
        if event.r#type() == EventType::Added {
            assert_eq!(event.backend.unwrap().name, "backends/c");
            break;
        }
    }
}

#[tokio::test]
async fn an_object_that_leaves_the_filter_is_gone_for_the_client() {
    let control_plane = ControlPlane::start();
    let mut backends = Backends::new(patient_channel(&control_plane).await);
    let filter = "labels.app = web".to_owned();
    let request = WatchBackendsRequest { filter, ..Default::default() };
    let mut watch = backends.watch_backends(request).await.unwrap().into_inner();
    assert_eq!(next(&mut watch).await.r#type(), EventType::Synchronized);
    create(&mut backends, "a", "10.0.0.1").await;
    for app in ["web", "api"] {
        let labels = [("app".to_owned(), app.to_owned())].into();
        let backend = Backend { name: "backends/a".to_owned(), labels, ..Default::default() };
        let request = UpdateBackendRequest { backend: Some(backend), ..Default::default() };
        backends.update_backend(request).await.unwrap();
    }
    let mut kinds = Vec::new();
    while kinds.last() != Some(&EventType::Deleted) {
        kinds.push(next(&mut watch).await.r#type());
    }
    // Between them the control plane may have written the status.
    kinds.retain(|kind| *kind != EventType::Modified);
    assert_eq!(kinds, [EventType::Added, EventType::Deleted]);
}
