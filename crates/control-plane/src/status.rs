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

/// How often a write is tried against a newer state of the object before others get their turn.
const ATTEMPTS: usize = 8;

/// How long what could not be written rests before it is tried again.
const REST: Duration = Duration::from_secs(1);

/// Runs for as long as it is polled.
pub(crate) async fn run(store: Arc<dyn Store>, shared: Arc<Shared>, metrics: Metrics) {
    let mut failed: Vec<ObjectKey> = Vec::new();
    loop {
        if failed.is_empty() {
            shared.changed().await;
            tokio::time::sleep(GATHER).await;
        } else {
            tokio::time::sleep(REST).await;
            shared.update(|tracker| failed.drain(..).for_each(|key| tracker.again(key)));
        }
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
        failed = futures::stream::iter(writes)
            .buffer_unordered(CONCURRENT_WRITES)
            .filter_map(|failed| async { failed })
            .collect()
            .await;
    }
}

/// Writes one status, if it is not as it should be. Yields the object when that could not be done.
async fn write(store: &dyn Store, shared: &Shared, metrics: &Metrics, object: ObjectKey) -> Option<ObjectKey> {
    let key = Key::new(&object.kind.resource(), &object.namespace, &object.name);
    let mut current = store.snapshot().get(&key).cloned();
    for _ in 0..ATTEMPTS {
        let entry = current?;
        let value = with_status(shared, &object, &entry)?;
        let write = Write {
            key: key.clone(),
            expect: Expect::Modified(entry.modified),
            operation: Operation::Put(value.into()),
        };
        match store.commit(vec![write]).await {
            Ok(_) => {
                metrics.status_writes.increment(1);
                return None;
            }
            Err(CommitError::Conflict { current: newer, .. }) => current = newer,
            Err(error) => {
                tracing::warn!(%key, %error, "cannot write a status");
                break;
            }
        }
    }
    metrics.status_failures.increment(1);
    Some(object)
}

/// The encoded object with the status it should have; `None` when it has that already, or there is none.
fn with_status(shared: &Shared, key: &ObjectKey, entry: &Entry) -> Option<Vec<u8>> {
    let mut object = Object::decode(&entry.value).ok()?;
    let old = object.body.get("status").cloned().unwrap_or_default();
    let new = {
        let tracker = shared.read();
        // Of an object that was deleted and created again, the report of the earlier one says nothing.
        if tracker.creation(key) != Some(entry.created) {
            return None;
        }
        desired::status(&tracker, key, &old, Timestamp::now())?
    };
    if new == old {
        return None;
    }
    object.body.insert("status".into(), new);
    object.encode().ok()
}
