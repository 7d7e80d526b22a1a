//! What happens between two steps of one request: a client that goes away, another request, another writer. The store lets the
//! test into each gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use backstay_kube::{Options, bootstrap, router};
use backstay_resources::Registry;
use backstay_store::{Change, CommitError, Committed, Delegate, Expect, Memory, Operation, Prefix, Store, Write};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::server::{BACKENDS, MERGE, Server, backend, names};

const NAMESPACES: &str = "/api/v1/namespaces";
const PROD: &str = "/api/v1/namespaces/prod";
const SECRETS: &str = "/api/v1/namespaces/prod/secrets";

/// A store whose next commit can be kept from telling that it is done, and whose objects others write whenever one is about
/// to be deleted.
#[derive(Debug)]
struct Gaps {
    memory: Memory,
    /// Whether the next commit waits once it is done.
    holds: AtomicBool,
    /// A permit for a commit that is done and waits.
    done: Semaphore,
    /// A permit for a commit to go on.
    goes_on: Semaphore,
    /// How often somebody else writes before an object is deleted.
    rivals: AtomicUsize,
}

impl Gaps {
    async fn rival(&self, write: &Write) {
        let Some(entry) = self.memory.snapshot().get(&write.key).cloned() else { return };
        let operation = Operation::Put(entry.value.to_bytes());
        self.memory.commit(vec![Write { key: write.key.clone(), expect: Expect::Any, operation }]).await.unwrap();
    }

    async fn commit_with_gaps(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        if let Some(deletion) = writes.iter().find(|write| write.operation == Operation::Delete)
            && self.rivals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |rivals| rivals.checked_sub(1)).is_ok()
        {
            self.rival(deletion).await;
        }
        let committed = self.memory.commit(writes).await;
        if self.holds.swap(false, Ordering::SeqCst) {
            self.done.add_permits(1);
            self.goes_on.acquire().await.unwrap().forget();
        }
        committed
    }
}

impl Delegate for Gaps {
    fn inner(&self) -> &dyn Store {
        &self.memory
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.commit_with_gaps(writes).boxed()
    }
}

async fn served() -> (Arc<Gaps>, Arc<Server>) {
    let gaps = Arc::new(Gaps {
        memory: Memory::new(),
        holds: AtomicBool::new(false),
        done: Semaphore::new(0),
        goes_on: Semaphore::new(0),
        rivals: AtomicUsize::new(0),
    });
    let store: Arc<dyn Store> = gaps.clone();
    bootstrap(&store, &Registry::built_in()).await.unwrap();
    let (shutdown, stops) = watch::channel(false);
    let server = Server {
        router: router(Arc::clone(&store), &Registry::built_in(), Options::default(), stops),
        store,
        shutdown,
    };
    (gaps, Arc::new(server))
}

fn prod() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
}

fn secret(finalizers: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "finalizers": finalizers}})
}

/// Waits until an object of this resource is gone.
async fn gone(store: &dyn Store, resource: &str) {
    let mut watch = store.watch(Prefix::resource(resource), 0).unwrap();
    let deleted = async {
        loop {
            let events = watch.next().await.unwrap();
            if events.iter().any(|event| matches!(event.change, Change::Deleted(_))) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(60), deleted).await.unwrap_or_else(|_| panic!("no {resource} ever went"));
}

#[tokio::test]
async fn a_namespace_goes_though_who_let_go_of_its_last_object_does_not_wait_for_the_answer() {
    for lets_go in ["PATCH", "DELETE"] {
        let (gaps, server) = served().await;
        server.post(NAMESPACES, &prod()).await.expect(201);
        server.post(SECRETS, &secret(&json!(["a.b/c"]))).await.expect(201);
        server.delete(PROD).await.expect(202);
        let path = format!("{SECRETS}/s");
        if lets_go == "DELETE" {
            // What an earlier version may have left behind: in a namespace that goes, and held by nothing.
            let stored = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "prod", "uid": "u"}});
            let key = backstay_store::Key::new("secrets", "prod", "s");
            let operation = Operation::Put(stored.to_string().into());
            gaps.memory.commit(vec![Write { key, expect: Expect::Any, operation }]).await.unwrap();
        }
        gaps.holds.store(true, Ordering::SeqCst);
        let request = tokio::spawn({
            let server = Arc::clone(&server);
            async move {
                match lets_go {
                    "PATCH" => server.patch(&path, MERGE, &json!({"metadata": {"finalizers": null}})).await,
                    _ => server.delete(&path).await,
                }
            }
        });
        gaps.done.acquire().await.unwrap().forget();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        gaps.goes_on.add_permits(1);
        gone(&*server.store, "namespaces").await;
        server.get(PROD).await.failure(404, "NotFound");
    }
}

#[tokio::test]
async fn who_deletes_a_namespace_late_leaves_alone_the_next_one_of_its_name() {
    let (gaps, server) = served().await;
    server.post(NAMESPACES, &prod()).await.expect(201);
    gaps.holds.store(true, Ordering::SeqCst);
    let late = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.delete(PROD).await }
    });
    gaps.done.acquire().await.unwrap().forget();
    server.delete(PROD).await.expect(200);
    server.post(NAMESPACES, &prod()).await.expect(201);
    server.post(SECRETS, &secret(&json!([]))).await.expect(201);
    gaps.goes_on.add_permits(1);
    late.await.unwrap().expect(200);
    assert_eq!(names(&server.get(SECRETS).await.expect(200)), ["s"]);
    assert_eq!(server.get(PROD).await.expect(200)["status"]["phase"], "Active");
}

#[tokio::test]
async fn a_deletion_goes_through_however_often_others_write_meanwhile() {
    const RIVALS: usize = 100;
    let (gaps, server) = served().await;
    for path in [format!("{BACKENDS}/a"), BACKENDS.to_owned()] {
        server.post(BACKENDS, &backend("a")).await.expect(201);
        gaps.rivals.store(RIVALS, Ordering::SeqCst);
        server.delete(&path).await.expect(200);
        assert_eq!(gaps.rivals.load(Ordering::SeqCst), 0);
        server.get(&format!("{BACKENDS}/a")).await.failure(404, "NotFound");
    }
    // Who names a version means that one.
    let made = server.post(BACKENDS, &backend("a")).await.expect(201);
    gaps.rivals.store(1, Ordering::SeqCst);
    let options = json!({"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}).to_string();
    server.call("DELETE", &format!("{BACKENDS}/a"), &[], options).await.failure(409, "Conflict");
    server.get(&format!("{BACKENDS}/a")).await.expect(200);
}
