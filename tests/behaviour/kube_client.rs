//! The `kube` crate, unmodified: the client that Rust controllers are written with.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use kube::runtime::{finalizer, watcher};
use kube::{Client, Config, Discovery, ResourceExt as _};
use serde_json::json;

use crate::harness::ControlPlane;

fn client(control: &ControlPlane) -> Client {
    let uri = format!("http://{}", control.api()).parse().unwrap();
    Client::try_from(Config::new(uri)).unwrap()
}

fn backends(client: Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("core.apoxy.dev", "v1alpha2", "Backend");
    Api::all_with(client, &ApiResource::from_gvk_with_plural(&kind, "backends"))
}

fn backend(name: &str, fqdn: &str) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "core.apoxy.dev/v1alpha2",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": [{"fqdn": fqdn}]},
    }))
    .unwrap()
}

#[tokio::test]
async fn discovery_of_both_kinds_finds_the_groups() {
    let control = ControlPlane::start();
    for discovery in [
        Discovery::new(client(&control)).run().await.unwrap(),
        Discovery::new(client(&control)).run_aggregated().await.unwrap(),
    ] {
        for group in ["core.apoxy.dev", "gateway.networking.k8s.io", "gateway.apoxy.dev", "backstay.dev"] {
            assert!(discovery.has_group(group), "{group}");
        }
    }
}

#[tokio::test]
async fn objects_are_created_read_replaced_patched_and_deleted() {
    let control = ControlPlane::start();
    let api = backends(client(&control));
    let created = api.create(&PostParams::default(), &backend("api", "a.example.com")).await.unwrap();
    assert_eq!(created.data["spec"]["protocol"], "");

    let mut stale = created.clone();
    let patch = json!({"spec": {"protocol": "tls"}});
    let patched = api.patch("api", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    assert_eq!((patched.data["spec"]["protocol"].as_str(), patched.metadata.generation), (Some("tls"), Some(2)));

    stale.data["spec"]["protocol"] = json!("h2");
    let conflict = api.replace("api", &PostParams::default(), &stale).await.unwrap_err();
    let kube::Error::Api(status) = conflict else { panic!("{conflict}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));

    for number in 0..7 {
        api.create(&PostParams::default(), &backend(&format!("b{number}"), "b.example.com")).await.unwrap();
    }
    let mut pages = ListParams::default().limit(3);
    let mut names = Vec::new();
    loop {
        let page = api.list(&pages).await.unwrap();
        names.extend(page.items.iter().map(DynamicObject::name_any));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => pages = pages.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(names, ["api", "b0", "b1", "b2", "b3", "b4", "b5", "b6"]);

    api.delete("api", &DeleteParams::default()).await.unwrap();
    assert!(api.get_opt("api").await.unwrap().is_none());
    api.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    assert!(api.list(&ListParams::default()).await.unwrap().items.is_empty());
}

/// What a watcher tells until `done`, as "applied NAME" and "deleted NAME".
async fn follow(config: watcher::Config) {
    let control = ControlPlane::start();
    let api = backends(client(&control));
    api.create(&PostParams::default(), &backend("first", "a.example.com")).await.unwrap();
    let events = watcher(api.clone(), config);
    let mut events = std::pin::pin!(events);
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        match event.unwrap() {
            watcher::Event::Init => seen.push("init".to_owned()),
            watcher::Event::InitApply(object) => seen.push(format!("has {}", object.name_any())),
            watcher::Event::InitDone => {
                seen.push("live".to_owned());
                api.create(&PostParams::default(), &backend("second", "a.example.com")).await.unwrap();
                api.delete("first", &DeleteParams::default()).await.unwrap();
            }
            // Status writes show as further changes of the same object.
            watcher::Event::Apply(object) => {
                let line = format!("applied {}", object.name_any());
                if !seen.contains(&line) && object.name_any() == "second" {
                    seen.push(line);
                }
            }
            watcher::Event::Delete(object) => {
                seen.push(format!("deleted {}", object.name_any()));
                break;
            }
        }
    }
    assert_eq!(seen, ["init", "has first", "live", "applied second", "deleted first"]);
}

#[tokio::test]
async fn a_watcher_that_lists_first_sees_every_change() {
    follow(watcher::Config::default()).await;
}

#[tokio::test]
async fn a_watcher_that_streams_the_list_sees_every_change() {
    follow(watcher::Config::default().streaming_lists()).await;
}

#[tokio::test]
async fn a_finalizer_runs_and_lets_go() {
    let control = ControlPlane::start();
    let api = backends(client(&control));
    let name = "example.com/cleanup";
    let created = api.create(&PostParams::default(), &backend("api", "a.example.com")).await.unwrap();
    let run = |object: Arc<DynamicObject>| {
        finalizer(&api, name, object, |event| async move {
            let word = match event {
                finalizer::Event::Apply(_) => "apply",
                finalizer::Event::Cleanup(_) => "cleanup",
            };
            if word == "cleanup" { Ok(kube::runtime::controller::Action::await_change()) } else { Err(Applied) }
        })
    };
    // The first run adds the finalizer, the second reaches the controller's own code.
    let _ = run(Arc::new(created)).await;
    let with_finalizer = api.get("api").await.unwrap();
    assert_eq!(with_finalizer.finalizers(), [name]);
    let applied = run(Arc::new(with_finalizer)).await.unwrap_err();
    assert!(matches!(applied, finalizer::Error::ApplyFailed(Applied)));

    let waiting = api.delete("api", &DeleteParams::default()).await.unwrap();
    assert!(waiting.is_left(), "the object waits for its finalizer");
    let deleted = api.get("api").await.unwrap();
    assert!(deleted.metadata.deletion_timestamp.is_some());
    run(Arc::new(deleted)).await.unwrap();
    assert!(api.get_opt("api").await.unwrap().is_none());
}

#[derive(Debug, thiserror::Error)]
#[error("applied")]
struct Applied;

#[tokio::test]
async fn a_list_and_a_watch_from_it_miss_nothing_while_others_write() {
    const WRITERS: usize = 8;
    const EACH: usize = 100;
    let control = ControlPlane::start();
    let api = backends(client(&control));
    let writers = (0..WRITERS).map(|writer| {
        let api = api.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                let object = backend(&format!("w{writer}-{number}"), "a.example.com");
                api.create(&PostParams::default(), &object).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let seen = watcher(api.clone(), watcher::Config::default()).try_fold(
        std::collections::BTreeSet::new(),
        |mut seen, event| async move {
            if let watcher::Event::InitApply(object) | watcher::Event::Apply(object) = event {
                seen.insert(object.name_any());
            }
            if seen.len() == WRITERS * EACH { Err(watcher::Error::NoResourceVersion) } else { Ok(seen) }
        },
    );
    let complete = tokio::time::timeout(Duration::from_secs(60), seen).await.expect("every object is seen");
    assert!(matches!(complete, Err(watcher::Error::NoResourceVersion)), "the fold ends once all are seen");
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn what_two_controllers_apply_is_merged_and_what_both_want_is_a_conflict() {
    let control = ControlPlane::start();
    let api = backends(client(&control));
    let apply = |manager: &str, object: serde_json::Value| {
        let (api, params) = (api.clone(), PatchParams::apply(manager));
        async move { api.patch("api", &params, &Patch::Apply(object)).await }
    };
    let object = |labels: serde_json::Value, spec: serde_json::Value| json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "api", "labels": labels}, "spec": spec});
    let spec = json!({"endpoints": [{"fqdn": "a.example.com"}], "protocol": "h2"});
    let created = apply("one", object(json!({"one": "1"}), spec.clone())).await.unwrap();
    assert_eq!(created.data["spec"], spec);
    let merged = apply("two", object(json!({"two": "2"}), json!({}))).await.unwrap();
    assert_eq!(merged.labels().len(), 2);
    let refused = apply("two", object(json!({"one": "2"}), json!({}))).await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let causes = status.details.unwrap().causes;
    assert_eq!((causes[0].reason.as_str(), causes[0].field.as_str()), ("FieldManagerConflict", ".metadata.labels.one"));
    let left = apply("two", object(json!({}), json!({}))).await.unwrap();
    assert_eq!(left.labels().keys().collect::<Vec<_>>(), ["one"]);
    let forced = object(json!({"one": "2"}), json!({}));
    let forced = api.patch("api", &PatchParams::apply("two").force(), &Patch::Apply(forced)).await.unwrap();
    assert_eq!(forced.labels()["one"], "2");
}
