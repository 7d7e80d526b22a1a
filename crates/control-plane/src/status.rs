//! Writes what the compiler reports and proxies acknowledge into the status of the objects users wrote.

mod desired;
mod repairs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backstay_compiler::ObjectKey;
use backstay_kube::ownership::{self, CONTROLLER};
use backstay_resources::{Object, Timestamp, apoxy};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Prefix, Store, Term, Write};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use self::desired::{Told, told};
use self::repairs::Repairs;
use crate::events::Teller;
use crate::metrics::Metrics;
use crate::replicas::Leadership;
use crate::shared::Shared;
use crate::tracker::Acknowledged;

/// How long changes are gathered before they are written: an acknowledgement usually follows a change within a few
/// milliseconds, and then one write says both.
const GATHER: Duration = Duration::from_millis(20);

/// Writes under way at once. The store commits them in groups.
const CONCURRENT_WRITES: usize = 64;

/// How often a write is tried against a newer state of the object before others get their turn.
const ATTEMPTS: usize = 8;

/// How long what could not be written rests before it is tried again.
const REST: Duration = Duration::from_secs(1);

/// The status of a fleet lists its proxies, and is written again only after this time: when they all come back, it changes
/// with each of them.
const FLEET_PACE: Duration = Duration::from_secs(1);

/// How long the wait for a time of day may last, so that a clock that is set meanwhile is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Writes while this control plane leads, for as long as it is polled.
pub(crate) async fn run(
    store: Arc<dyn Store>,
    mut leadership: Leadership,
    shared: Arc<Shared>,
    metrics: Metrics,
    teller: Teller,
) {
    let mut since = None;
    let mut failed: Vec<ObjectKey> = Vec::new();
    let mut next_fleets = Instant::now();
    let mut repairs = Repairs::default();
    loop {
        let term = leadership.lead(&shared).await;
        if since.replace(term) != Some(term) && leadership.is_shared() {
            take_over(&*store, &shared);
        }
        if failed.is_empty() {
            let wait = wait(&shared, next_fleets, &repairs);
            if timeout(wait, shared.changed()).await.is_ok() {
                sleep(GATHER).await;
            }
        } else {
            sleep(REST).await;
            shared.update(|tracker| failed.drain(..).for_each(|key| tracker.again(key)));
        }
        let (objects, fleets, touched) = {
            let mut tracker = shared.read();
            let fleets = Instant::now() >= next_fleets && tracker.has_dirty_fleets(Timestamp::now());
            if fleets {
                next_fleets = Instant::now() + FLEET_PACE;
            }
            let fleets = if fleets { tracker.take_dirty_fleets() } else { BTreeSet::new() };
            (tracker.take_dirty(Timestamp::now()), fleets, tracker.take_touched())
        };
        let fleets = fleets.into_iter().map(|name| ObjectKey::new(&apoxy::PROXY, "", &name));
        let unavailable = AtomicBool::new(false);
        let writer = Writer { store: &*store, term, shared: &shared, metrics: &metrics, teller: &teller, unavailable };
        let mut objects: BTreeSet<ObjectKey> = objects.into_iter().chain(fleets).collect();
        let delayed = repairs.ask(touched.into_iter().filter(|key| !objects.contains(key)), Instant::now());
        metrics.status_repairs_delayed.increment(delayed);
        let repaired = repairs.take_due(Instant::now());
        objects.extend(repaired.iter().cloned());
        let writes = objects.into_iter().map(|key| async { (writer.write(&key).await, key) });
        let written: Vec<_> = futures::stream::iter(writes).buffer_unordered(CONCURRENT_WRITES).collect().await;
        for (outcome, key) in written {
            match outcome {
                Outcome::Written if repaired.contains(&key) => {
                    metrics.status_repairs.increment(1);
                    repairs.done(key, Instant::now());
                }
                Outcome::Written | Outcome::Settled => {}
                Outcome::Failed => failed.push(key),
            }
        }
    }
}

/// Whatever another control plane has left undone is done now, and what it has told of objects holds.
fn take_over(store: &dyn Store, shared: &Shared) {
    let keys: Vec<ObjectKey> = shared.read().objects().map(|(key, _)| key.clone()).collect();
    let snapshot = store.snapshot();
    for key in keys {
        let stored = snapshot.get(&Key::new(&key.kind.resource(), &key.namespace, &key.name));
        let object = stored.and_then(|entry| Object::decode(&entry.value.bytes()).ok());
        let told = object.and_then(|object| Acknowledged::told(object.body.get("status")?));
        // Not all at once: streams wait for the tracker as well.
        shared.read().taken_over(&key, told.as_ref());
    }
    let declared = Prefix::resource(&apoxy::PROXY.resource());
    let fleets: Vec<Arc<str>> = snapshot.list(&declared).map(|entry| entry.key.name().into()).collect();
    shared.update(|tracker| fleets.iter().for_each(|fleet| tracker.declared(fleet)));
}

/// Tells an encoded object from others.
pub(crate) fn mark(encoded: &[u8]) -> u64 {
    xxh3_64(encoded)
}

/// How long nothing has to be written, if nothing happens.
fn wait(shared: &Shared, next_fleets: Instant, repairs: &Repairs) -> Duration {
    let repair = repairs.next_due().map(|due| due.saturating_duration_since(Instant::now()));
    let mut tracker = shared.read();
    let fleets =
        tracker.has_dirty_fleets(Timestamp::now()).then(|| next_fleets.saturating_duration_since(Instant::now()));
    let due = tracker.next_due().map(|due| {
        let seconds = due.0.as_second() - Timestamp::now().0.as_second();
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    });
    fleets.into_iter().chain(due).chain(repair).chain([LONGEST_WAIT]).min().unwrap_or_default()
}

/// Writes the statuses of one round.
struct Writer<'a> {
    store: &'a dyn Store,
    term: Term,
    shared: &'a Shared,
    metrics: &'a Metrics,
    teller: &'a Teller,
    /// Whether the store takes no writes now: then the others need not be made only to be turned away.
    unavailable: AtomicBool,
}

/// What became of one status.
enum Outcome {
    /// It was as it should be, or cannot be otherwise.
    Settled,
    /// It was written.
    Written,
    /// It could not be written now.
    Failed,
}

impl Writer<'_> {
    /// Writes one status, if it is not as it should be.
    async fn write(&self, object: &ObjectKey) -> Outcome {
        if self.unavailable.load(Ordering::Relaxed) {
            return Outcome::Failed;
        }
        let key = Key::new(&object.kind.resource(), &object.namespace, &object.name);
        let mut current = self.store.snapshot().get(&key).cloned();
        for _ in 0..ATTEMPTS {
            // Each attempt begins with what is stored then: whoever was faster loses nothing.
            let Some(entry) = current else { return Outcome::Settled };
            let wanted = with_status(self.shared, object, &entry);
            let Some((wanted, old)) = wanted else {
                self.shared.read().taken_back(object);
                return Outcome::Settled;
            };
            let Ok(value) = wanted.encode() else { return Outcome::Settled };
            self.shared.read().writing(object, mark(&value));
            let write = Write {
                key: key.clone(),
                expect: Expect::Modified(entry.modified),
                operation: Operation::Put(value.into()),
            };
            match self.store.commit_in_term(self.term, vec![write]).await {
                Ok(_) => {
                    self.metrics.status_writes.increment(1);
                    // Of a fleet, what its proxies do is told as they do it.
                    if *object.kind != apoxy::PROXY {
                        self.teller.status_written(object, &old, &wanted);
                    }
                    self.shared.read().taken_back(object);
                    return Outcome::Written;
                }
                Err(CommitError::Conflict { current: newer, .. }) => current = newer,
                // The same again would be refused again. The next change of it is another try.
                Err(CommitError::Refused(reason)) => {
                    tracing::warn!(%key, reason, "the store does not take a status");
                    self.metrics.status_failures.increment(1);
                    return Outcome::Settled;
                }
                Err(error @ CommitError::Unavailable(_)) => {
                    if !self.unavailable.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%key, %error, "cannot write statuses");
                    }
                    break;
                }
            }
        }
        self.metrics.status_failures.increment(1);
        Outcome::Failed
    }
}

/// The object with the status it should have, and the status it has; `None` when that is the same, or there is none.
fn with_status(shared: &Shared, key: &ObjectKey, entry: &Entry) -> Option<(Object, Value)> {
    let mut object = Object::decode(&entry.value.bytes()).ok()?;
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
    let old = object.body.insert("status".into(), new);
    let writer = ownership::Writer { manager: CONTROLLER, subresource: "status", time: Timestamp::now() };
    ownership::record_status(key.kind, old.as_ref(), &mut object, &writer);
    Some((object, old.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
