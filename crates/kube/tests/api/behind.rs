//! A server whose view is behind what other servers of one store have written: it goes ahead on what it knows, and concludes nothing from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use backstay_kube::{Options, bootstrap, router};
use backstay_resources::Registry;
use backstay_store::{Delegate, Memory, ReadError, Snapshot, Store};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::server::{BACKENDS, MERGE, Server};

/// A store as a server sees it that has heard of nothing since [`Behind::stop_hearing`].
#[derive(Debug)]
struct Behind {
    store: Arc<dyn Store>,
    heard: Mutex<Option<Snapshot>>,
    reads: AtomicUsize,
}

impl Behind {
    fn stop_hearing(&self) {
        *self.heard.lock().unwrap() = Some(self.store.snapshot());
    }

    /// How often the newest was asked for since this was last asked.
    fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }
}

impl Delegate for Behind {
    fn inner(&self) -> &dyn Store {
        &*self.store
    }

    fn snapshot(&self) -> Snapshot {
        self.heard.lock().unwrap().clone().unwrap_or_else(|| self.store.snapshot())
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.read()
    }
}

/// Two servers of one store: one that hears of everything, and one that stops to.
struct Two {
    newest: Server,
    behind: Server,
    view: Arc<Behind>,
}

impl Two {
    async fn start() -> Self {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        bootstrap(&store, &Registry::built_in()).await.unwrap();
        let view =
            Arc::new(Behind { store: Arc::clone(&store), heard: Mutex::default(), reads: AtomicUsize::default() });
        let serve = |store: Arc<dyn Store>| {
            let (shutdown, stops) = watch::channel(false);
            let registry = Registry::built_in();
            Server { router: router(Arc::clone(&store), &registry, Options::default(), stops), store, shutdown }
        };
        Self { newest: serve(store), behind: serve(view.clone()), view }
    }

    async fn address(&self) -> Value {
        self.newest.get(&format!("{BACKENDS}/app")).await.expect(200)["spec"]["endpoints"][0]["ip"].clone()
    }
}

fn app(ip: &str) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "app"},
        "spec": {"endpoints": [{"ip": ip}]}})
}

const APP: &str = "/apis/core.apoxy.dev/v1alpha2/backends/app";

#[tokio::test]
async fn what_nobody_else_has_changed_is_written_without_asking_for_the_newest() {
    let two = Two::start().await;
    two.view.reads();
    two.behind.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    assert_eq!(two.view.reads(), 0);
    two.behind.put(APP, &app("10.0.0.2")).await.expect(200);
    two.behind.patch(APP, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    assert_eq!(two.view.reads(), 0);
    two.behind.delete(APP).await.expect(200);
    assert_eq!(two.view.reads(), 0);
}

#[tokio::test]
async fn what_would_change_nothing_of_an_older_state_changes_the_newest() {
    let two = Two::start().await;
    two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    two.view.stop_hearing();
    two.newest.put(APP, &app("10.0.0.2")).await.expect(200);
    two.behind.put(APP, &app("10.0.0.1")).await.expect(200);
    assert_eq!(two.address().await, "10.0.0.1");
}

#[tokio::test]
async fn patches_are_applied_to_the_newest() {
    let two = Two::start().await;
    two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    two.view.stop_hearing();
    two.newest.put(APP, &app("10.0.0.2")).await.expect(200);
    let patched = two.behind.patch(APP, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    assert_eq!(patched["spec"]["endpoints"][0]["ip"], "10.0.0.2");
    assert_eq!(patched["metadata"]["labels"]["a"], "b");
}

#[tokio::test]
async fn a_version_that_only_others_have_heard_of_is_the_one_that_counts() {
    let two = Two::start().await;
    let first = two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    two.view.stop_hearing();
    let second = two.newest.put(APP, &app("10.0.0.2")).await.expect(200);
    let mut third = app("10.0.0.3");
    third["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    two.behind.put(APP, &third).await.failure(409, "Conflict");
    third["metadata"]["resourceVersion"] = second["metadata"]["resourceVersion"].clone();
    two.behind.put(APP, &third).await.expect(200);
    assert_eq!(two.address().await, "10.0.0.3");
}

#[tokio::test]
async fn what_others_have_created_is_there_and_what_they_have_deleted_is_gone() {
    let two = Two::start().await;
    two.view.stop_hearing();
    two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    two.behind.post(BACKENDS, &app("10.0.0.1")).await.failure(409, "AlreadyExists");
    two.behind.put(APP, &app("10.0.0.2")).await.expect(200);
    two.behind.delete(APP).await.expect(200);
    two.newest.get(APP).await.failure(404, "NotFound");

    two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    two.view.stop_hearing();
    two.newest.delete(APP).await.expect(200);
    two.behind.put(APP, &app("10.0.0.2")).await.failure(404, "NotFound");
    two.behind.delete(APP).await.failure(404, "NotFound");
    two.behind.post(BACKENDS, &app("10.0.0.2")).await.expect(201);
    assert_eq!(two.address().await, "10.0.0.2");
}

#[tokio::test]
async fn namespaces_that_others_have_made_or_deleted_are_open_or_not() {
    const NAMESPACES: &str = "/api/v1/namespaces";
    const SECRETS: &str = "/api/v1/namespaces/prod/secrets";
    let two = Two::start().await;
    let prod = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}});
    two.view.stop_hearing();
    two.newest.post(NAMESPACES, &prod).await.expect(201);
    two.behind.post(SECRETS, &secret).await.expect(201);
    two.view.stop_hearing();
    two.newest.delete(&format!("{NAMESPACES}/prod")).await;
    two.behind.post(SECRETS, &secret).await.failure(404, "NotFound");
}

#[tokio::test]
async fn a_dry_run_is_answered_of_the_newest() {
    let two = Two::start().await;
    two.view.stop_hearing();
    two.newest.post(BACKENDS, &app("10.0.0.1")).await.expect(201);
    let dry = |path: &str| format!("{path}?dryRun=All");
    two.behind.post(&dry(BACKENDS), &app("10.0.0.1")).await.failure(409, "AlreadyExists");
    let patched = json!({"metadata": {"labels": {"a": "b"}}});
    two.behind.patch(&dry(APP), MERGE, &patched).await.expect(200);
    two.newest.delete(APP).await.expect(200);
    two.behind.delete(&dry(APP)).await.failure(404, "NotFound");
}
