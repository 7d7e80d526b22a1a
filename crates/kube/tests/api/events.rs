//! Events: what clients write and read, in both groups.

use std::time::Duration;

use backstay_kube::events::{Bounds, Events, Happened, ObjectReference, Tone};
use backstay_kube::{Events as Kept, Options};
use backstay_store::Memory;
use serde_json::{Value, json};

use crate::server::{MERGE, Server, TABLE, names, version};

const CORE: &str = "/api/v1/namespaces/default/events";
const GROUP: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

/// As `client-go`'s older recorder sends it.
fn event(name: &str, about: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": null},
        "involvedObject": {"kind": "Backend", "name": about, "uid": "1-2", "apiVersion": "core.apoxy.dev/v1alpha2"},
        "reason": "Tried", "message": "it was tried", "source": {"component": "tester"},
        "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:05Z", "count": 1, "type": kind,
        "eventTime": null, "reportingComponent": "", "reportingInstance": "",
    })
}

#[tokio::test]
async fn recorders_create_and_patch() {
    let server = Server::new().await;
    server.post(CORE, &event("a.1", "a", "Normal")).await.expect(201);
    let patch = json!({"count": 2, "lastTimestamp": "2026-01-02T03:05:05Z"});
    let strategic = ("content-type", "application/strategic-merge-patch+json");
    server.patch(&format!("{CORE}/a.1"), strategic, &patch).await.expect(200);
    let stored = server.get(&format!("{CORE}/a.1")).await.expect(200);
    assert_eq!((&stored["count"], &stored["reason"]), (&2.into(), &"Tried".into()));
    assert!(stored["metadata"]["uid"].is_string());
}

#[tokio::test]
async fn both_groups_have_the_same_events() {
    let server = Server::new().await;
    server.post(CORE, &event("a.1", "a", "Normal")).await.expect(201);
    let told = server.get(&format!("{GROUP}/a.1")).await.expect(200);
    assert_eq!(told["apiVersion"], "events.k8s.io/v1");
    assert_eq!((&told["regarding"]["name"], &told["note"]), (&"a".into(), &"it was tried".into()));
    assert_eq!((&told["deprecatedCount"], &told["message"]), (&1.into(), &Value::Null));
    let newer = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"generateName": "b."},
        "regarding": {"kind": "Backend", "name": "b"}, "reason": "Made", "action": "Make", "note": "made", "type": "Normal",
        "reportingController": "example.com/maker", "reportingInstance": "one", "eventTime": "2026-01-02T03:04:05Z",
    });
    let made = server.post(GROUP, &newer).await.expect(201);
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:06.123456Z"}});
    let path = format!("{GROUP}/{}", made["metadata"]["name"].as_str().unwrap());
    let patched = server.patch(&path, MERGE, &series).await.expect(200);
    assert_eq!((&patched["series"]["count"], &patched["note"]), (&2.into(), &"made".into()));
    let list = server.get("/api/v1/events?fieldSelector=reportingComponent%3Dexample.com/maker").await.expect(200);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((&items[0]["apiVersion"], &items[0]["message"]), (&"v1".into(), &"made".into()));
    let refused = server.patch(&path, MERGE, &json!({"note": "unmade"})).await.failure(422, "Invalid");
    assert_eq!(refused["details"]["causes"][0]["field"], "note");
}

#[tokio::test]
async fn selectors_find_those_of_an_object() {
    let server = Server::new().await;
    for (name, about, kind) in [("a.1", "a", "Normal"), ("a.2", "a", "Warning"), ("b.1", "b", "Warning")] {
        server.post(CORE, &event(name, about, kind)).await.expect(201);
    }
    // As `kubectl describe` asks.
    let described =
        "involvedObject.name%3Da,involvedObject.namespace%3D,involvedObject.kind%3DBackend,involvedObject.uid%3D1-2";
    for (path, expected) in [
        (format!("/api/v1/events?fieldSelector={described}"), vec!["a.1", "a.2"]),
        (format!("{CORE}?fieldSelector=type%3DWarning"), vec!["a.2", "b.1"]),
        (format!("{CORE}?fieldSelector=type!%3DWarning,reason%3DTried"), vec!["a.1"]),
        (format!("{GROUP}?fieldSelector=regarding.name%3Db"), vec!["b.1"]),
        (format!("{CORE}?fieldSelector=source%3Dother"), vec![]),
    ] {
        assert_eq!(names(&server.get(&path).await.expect(200)), expected, "{path}");
    }
    server.get(&format!("{CORE}?fieldSelector=regarding.name%3Db")).await.failure(400, "BadRequest");
}

#[tokio::test]
async fn a_watch_tells_of_new_ones_and_of_those_that_are_forgotten() {
    let events = Kept::new(Bounds { objects: 1, ..Bounds::default() });
    let server = Server::with(Memory::new(), Options { events: events.clone(), ..Options::default() }).await;
    let list = server.get(GROUP).await.expect(200);
    let mut watch = server.watch_at(GROUP, &format!("resourceVersion={}", version(&list)), &[]).await;
    server.post(CORE, &event("a.1", "a", "Normal")).await.expect(201);
    assert_eq!(watch.expect("ADDED", "a.1").await["note"], "it was tried");
    server.post(CORE, &event("a.2", "a", "Normal")).await.expect(201);
    watch.expect("ADDED", "a.2").await;
    watch.expect("DELETED", "a.1").await;
    assert_eq!(names(&server.get(CORE).await.expect(200)), ["a.2"]);
    assert_eq!(events.forgotten().objects, 1);
}

#[tokio::test(start_paused = true)]
async fn the_old_are_forgotten() {
    let events = Kept::new(Bounds { age: Duration::ZERO, ..Bounds::default() });
    let server = Server::with(Memory::new(), Options { events: events.clone(), ..Options::default() }).await;
    server.post(CORE, &event("a.1", "a", "Normal")).await.expect(201);
    let mut watch = server.watch_at(CORE, "", &[]).await;
    watch.expect("ADDED", "a.1").await;
    tokio::spawn(events.keep());
    watch.expect("DELETED", "a.1").await;
}

#[tokio::test]
async fn a_namespace_takes_its_events_along_and_none_come_after_it() {
    let server = Server::new().await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}});
    server.post("/api/v1/namespaces", &namespace).await.expect(201);
    let mut inside = event("a.1", "a", "Normal");
    inside["metadata"]["namespace"] = "other".into();
    inside["involvedObject"]["namespace"] = "other".into();
    let path = "/api/v1/namespaces/other/events";
    server.post(path, &inside).await.expect(201);
    server.post(CORE, &inside).await.failure(400, "BadRequest");
    server.delete("/api/v1/namespaces/other").await.expect(200);
    assert_eq!(names(&server.get("/api/v1/events").await.expect(200)), [""; 0]);
    server.post(path, &inside).await.failure(404, "NotFound");
}

#[tokio::test]
async fn tables_tell_when_what_and_of_which_object() {
    let server = Server::new().await;
    server.post(CORE, &event("a.1", "a", "Warning")).await.expect(201);
    for path in [CORE, GROUP] {
        let table = server.call("GET", path, &[TABLE], String::new()).await.expect(200);
        let columns: Vec<_> =
            table["columnDefinitions"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
        assert_eq!(columns, ["Last Seen", "Type", "Reason", "Object", "Source", "Message", "Count", "Name"]);
        let cells = table["rows"][0]["cells"].as_array().unwrap();
        assert_eq!(cells[1..], ["Warning", "Tried", "backend/a", "tester", "it was tried", "1", "a.1"]);
    }
}

#[tokio::test]
async fn what_is_told_from_within_is_read_as_any_other() {
    let events = Events::default();
    let server = Server::with(Memory::new(), Options { events: events.clone(), ..Options::default() }).await;
    let about = ObjectReference { kind: "Backend".into(), name: "a".into(), ..ObjectReference::default() };
    let happened = Happened {
        about,
        tone: Tone::Warning,
        reason: "Refused".into(),
        action: "Publish".into(),
        note: "edge-1 refuses it".into(),
        instance: "edge-1".into(),
    };
    events.tell(&[happened.clone(), happened]);
    let list = server.get(&format!("{CORE}?fieldSelector=reason%3DRefused")).await.expect(200);
    let event = &list["items"][0];
    assert_eq!((&event["count"], &event["message"]), (&2.into(), &"edge-1 refuses it".into()));
    let name = event["metadata"]["name"].as_str().unwrap();
    server.patch(&format!("{CORE}/{name}"), MERGE, &json!({"metadata": {"labels": {"seen": "yes"}}})).await.expect(200);
}

#[tokio::test]
async fn one_that_is_too_large_is_refused() {
    let server = Server::new().await;
    let mut large = event("a.1", "a", "Normal");
    large["message"] = "x".repeat(70 << 10).into();
    let refused = server.post(CORE, &large).await;
    assert_eq!(refused.status.as_u16(), 413, "{}", refused.text());
}
