//! Writes what the compiler reports and proxies acknowledge into the status of the objects users wrote.

mod desired;

use std::sync::Arc;
use std::time::Duration;

use backstay_compiler::ObjectKey;
use backstay_resources::{Object, Timestamp, apoxy};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Store, Write};
use futures::StreamExt as _;

use crate::metrics::Metrics;
use crate::shared::Shared;

/// How long changes are gathered before they are written: an acknowledgement usually follows a change within a few
/// milliseconds, and then one write says both.
const GATHER: Duration = Duration::from_millis(20);

/// Writes under way at once. The store commits them in groups.
const CONCURRENT_WRITES: usize = 64;

/// How often a write is tried against a newer state of the object before it is left to the next change.
const ATTEMPTS: usize = 8;

/// Runs for as long as it is polled.
pub(crate) async fn run(store: Arc<dyn Store>, shared: Arc<Shared>, metrics: Metrics) {
    loop {
        shared.changed().await;
        tokio::time::sleep(GATHER).await;
        let (objects, fleets) = {
            let mut tracker = shared.read();
            (tracker.take_dirty(), tracker.take_dirty_fleets())
        };
        let fleets = fleets.into_iter().map(|name| ObjectKey {
            kind: &apoxy::PROXY,
            namespace: "".into(),
            name: name.as_ref().into(),
        });
        let writes = objects.into_iter().chain(fleets).map(|key| write(&*store, &shared, &metrics, key));
        futures::stream::iter(writes).buffer_unordered(CONCURRENT_WRITES).collect::<()>().await;
    }
}

async fn write(store: &dyn Store, shared: &Shared, metrics: &Metrics, object: ObjectKey) {
    let key = Key::new(&object.kind.resource(), &object.namespace, &object.name);
    let mut current = store.snapshot().get(&key).cloned();
    for _ in 0..ATTEMPTS {
        let Some(entry) = current else { return };
        let Some(value) = with_status(shared, &object, &entry) else { return };
        let write = Write {
            key: key.clone(),
            expect: Expect::Modified(entry.modified),
            operation: Operation::Put(value.into()),
        };
        match store.commit(vec![write]).await {
            Ok(_) => {
                metrics.status_writes.increment(1);
                return;
            }
            Err(CommitError::Conflict { current: newer, .. }) => current = newer,
            Err(error) => {
                tracing::warn!(%key, %error, "cannot write a status");
                break;
            }
        }
    }
    metrics.status_failures.increment(1);
}

/// The encoded object with the status it should have; `None` when it has that already, or there is none.
fn with_status(shared: &Shared, key: &ObjectKey, entry: &Entry) -> Option<Vec<u8>> {
    let mut object = Object::decode(&entry.value).ok()?;
    let old = object.body.get("status").cloned().unwrap_or_default();
    let new = desired::status(&shared.read(), key, &old, Timestamp::now())?;
    if new == old {
        return None;
    }
    object.body.insert("status".into(), new);
    object.encode().ok()
}
