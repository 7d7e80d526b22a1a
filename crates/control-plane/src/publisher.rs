//! From the store to the fleets: follows every change, compiles it, publishes what it changes.

mod last_good;
mod thread;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use backstay_compiler::{Change, Compiler, FrontEnd, KindTaken, ObjectKey, Output};
use backstay_model::FleetName;
use backstay_resources::{Changed, Kind, Object, Registry, apoxy};
use backstay_store::{Change as StoreChange, Entry, Event, Key, Prefix, Revision, Store, WatchError};
use backstay_xds::{Resource, ResourceChange};

use self::last_good::LastGoodSecrets;
pub(crate) use self::thread::spawn;
use crate::changes::Changes;
use crate::fleets::Fleets;
use crate::metrics::Metrics;
use crate::shared::{Compiling, Shared};
use crate::status::mark;
use crate::tracker::Acknowledged;

/// The one writer of the fleets' snapshots.
pub(crate) struct Publisher {
    store: Arc<dyn Store>,
    compiler: Compiler,
    fleets: Arc<Fleets>,
    shared: Arc<Shared>,
    metrics: Metrics,
    /// What is told of the way of changes.
    told: Changes,
    /// What the compiler has been told of, with the revision that created it: a new listing shows what is gone, and an
    /// object that was deleted and created again is another one.
    known: HashMap<Key, Revision>,
    /// What has been read and is not yet published.
    read: Read,
    last_good: LastGoodSecrets,
    kinds: BTreeMap<String, &'static Kind>,
}

/// What changes of objects mean besides what is compiled from them.
#[derive(Debug, Default)]
struct Read {
    /// Objects that were not known before, with the revision that created them.
    created: Vec<(ObjectKey, Revision)>,
    /// What proxies have acknowledged of objects, as their own status says.
    programmed: Vec<(ObjectKey, Acknowledged)>,
    /// Fleets that have a Proxy object.
    fleets: BTreeSet<Arc<str>>,
    /// Fleets that have none any more.
    fleets_gone: BTreeSet<Arc<str>>,
}

impl Publisher {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        registry: &Registry,
        front_ends: Vec<Box<dyn FrontEnd>>,
        fleets: Arc<Fleets>,
        shared: Arc<Shared>,
        (metrics, told): (Metrics, Changes),
    ) -> Result<Self, KindTaken> {
        let kinds = registry.iter().map(|kind| (kind.resource(), kind)).collect();
        let compiler = Compiler::new(front_ends)?;
        let last_good = LastGoodSecrets::new(store.clone());
        Ok(Self {
            store,
            compiler,
            fleets,
            shared,
            metrics,
            told,
            known: HashMap::new(),
            read: Read::default(),
            last_good,
            kinds,
        })
    }

    /// Runs until the store closes.
    pub(crate) async fn run(mut self) {
        self.fleets.declare(FleetName::DEFAULT);
        self.compiler.restore(self.last_good.read());
        loop {
            let revision = self.list();
            self.shared.set_compiling(Compiling::Ready);
            self.last_good.save().await;
            match self.follow(revision).await {
                WatchError::Closed => return,
                error => tracing::warn!(%error, "the store's history was lost, listing everything again"),
            }
        }
    }

    fn list(&mut self) -> Revision {
        let snapshot = self.store.snapshot();
        let all = Prefix::all();
        let mut gone = std::mem::take(&mut self.known);
        let mut changes = Vec::with_capacity(snapshot.len());
        for entry in snapshot.list(&all) {
            if let Some((key, created)) = gone.remove_entry(&entry.key) {
                self.known.insert(key, created);
            }
            changes.extend(self.put(entry));
        }
        changes.extend(gone.keys().filter_map(|key| self.delete(key)));
        self.publish(snapshot.revision(), changes);
        // Whether somebody has changed a status meanwhile, nothing has told.
        let known: Vec<ObjectKey> = self.known.keys().filter_map(|key| self.object_key(key)).collect();
        self.shared.update(|tracker| known.into_iter().for_each(|key| tracker.touch(key)));
        self.shared.set_compiled(snapshot.revision());
        snapshot.revision()
    }

    async fn follow(&mut self, after: Revision) -> WatchError {
        let mut watch = match self.store.watch(Prefix::all(), after) {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        loop {
            match watch.next().await {
                Ok(events) => {
                    let (at, changes) = self.changes(&events);
                    if !changes.is_empty() {
                        self.publish(at, changes);
                        self.last_good.save().await;
                    }
                    self.shared.set_compiled(watch.revision());
                }
                Err(error) => return error,
            }
        }
    }

    /// The last change of each object that the compiler may care about, and the revision of the newest of them: control planes that
    /// read the same commits in other batches agree on it sooner than on that of the batch. Changes of statuses are for the status
    /// writer.
    fn changes(&mut self, events: &[Event]) -> (Revision, Vec<Change>) {
        let mut at = Revision::default();
        let mut last: BTreeMap<&Key, &StoreChange> = BTreeMap::new();
        let mut relevant: HashSet<&Key> = HashSet::new();
        let mut statuses: Vec<&Entry> = Vec::new();
        for event in events {
            let entry = event.change.entry();
            let changed = changed(&event.change);
            if changed.rest {
                at = event.revision;
                relevant.insert(&entry.key);
            }
            if changed.status {
                statuses.push(entry);
            }
            last.insert(&entry.key, &event.change);
        }
        self.look_at(statuses);
        last.retain(|key, _| relevant.contains(key));
        let changes = last.into_values().filter_map(|change| match change {
            StoreChange::Created(entry) | StoreChange::Updated { entry, .. } => self.put(entry),
            StoreChange::Deleted(entry) => self.delete(&entry.key),
        });
        (at, changes.collect())
    }

    /// Has the status writer look at statuses that it has not written itself.
    fn look_at(&self, statuses: Vec<&Entry>) {
        let statuses =
            statuses.into_iter().filter_map(|entry| Some((self.object_key(&entry.key)?, mark(&entry.value.bytes()))));
        let statuses: Vec<_> = statuses.collect();
        if !statuses.is_empty() {
            self.shared.update(|tracker| {
                statuses.iter().for_each(|(key, mark)| tracker.status_changed(key, *mark));
            });
        }
    }

    fn put(&mut self, entry: &Entry) -> Option<Change> {
        let key = self.object_key(&entry.key)?;
        let mut object = match Object::decode(&entry.value.bytes()) {
            Ok(object) => object,
            Err(error) => {
                // The compiler keeps what it made of the object before.
                tracing::error!(key = %entry.key, %error, "a stored object cannot be read");
                return None;
            }
        };
        (key.kind.default)(&mut object);
        let status = object.body.remove("status").unwrap_or_default();
        if self.known.insert(entry.key.clone(), entry.created) != Some(entry.created) {
            self.read.created.push((key.clone(), entry.created));
            self.read.programmed.extend(Acknowledged::told(&status).map(|told| (key.clone(), told)));
        }
        if *key.kind == apoxy::PROXY {
            self.read.fleets_gone.remove(&key.name);
            self.read.fleets.insert(key.name.clone());
        }
        Some(Change { key, object: Some(Arc::new(object)) })
    }

    fn delete(&mut self, key: &Key) -> Option<Change> {
        self.known.remove(key);
        let key = self.object_key(key)?;
        self.shared.update(|tracker| tracker.removed(&key));
        if *key.kind == apoxy::PROXY && *key.name != *FleetName::DEFAULT {
            self.read.fleets.remove(&key.name);
            self.read.fleets_gone.insert(key.name.clone());
        }
        Some(Change { key, object: None })
    }

    fn object_key(&self, key: &Key) -> Option<ObjectKey> {
        let kind = self.kinds.get(key.resource())?;
        Some(ObjectKey::new(kind, key.namespace(), key.name()))
    }

    fn publish(&mut self, revision: Revision, changes: Vec<Change>) {
        let began = Instant::now();
        let Output { fleets, statuses, last_good_secrets, .. } = self.compiler.apply(changes);
        self.last_good.changed(last_good_secrets);
        let compiled = (began, Instant::now());
        self.metrics.compile.record(began.elapsed());
        self.told.compiled(revision, compiled, fleets.keys().cloned());
        let read = std::mem::take(&mut self.read);
        let fleets: BTreeMap<Arc<str>, Vec<ResourceChange>> = fleets
            .into_iter()
            .map(|(fleet, changes)| {
                let changes = changes.into_iter().map(|(name, body)| match body {
                    Some(body) => ResourceChange::Put(Resource::new(name, body)),
                    None => ResourceChange::Remove(name),
                });
                (fleet, changes.collect())
            })
            .collect();
        let type_url: Arc<str> = backstay_proto::RESOURCE_TYPE_URL.into();
        // The tracker knows the revision before any proxy can acknowledge it.
        self.shared.update(|tracker| {
            read.created.into_iter().for_each(|(key, created)| tracker.created(key, created));
            read.programmed.into_iter().for_each(|(key, told)| tracker.acknowledged_before(key, told));
            for (fleet, changes) in &fleets {
                tracker.published(fleet, &type_url, revision, changes);
            }
            statuses.into_iter().for_each(|status| tracker.reported(status));
            read.fleets.iter().for_each(|fleet| tracker.declared(fleet));
        });
        let began = Instant::now();
        // A fleet that is gone is not emptied first: its proxies go on with what they hold.
        read.fleets_gone.iter().for_each(|fleet| self.fleets.remove(fleet));
        for (fleet, changes) in fleets {
            if read.fleets_gone.contains(&fleet) {
                continue;
            }
            self.metrics.published.increment(changes.len() as u64);
            self.fleets.publish(&fleet, revision, changes);
        }
        self.metrics.snapshot.record(began.elapsed());
        // A proxy that waited for its fleet to exist finds it with all that it holds.
        read.fleets.iter().for_each(|fleet| self.fleets.declare(fleet));
    }
}

/// What an update changed. Statuses are written by control planes, for every object, and must not be compiled again.
fn changed(change: &StoreChange) -> Changed {
    let StoreChange::Updated { entry, previous } = change else { return Changed { status: false, rest: true } };
    Object::changed(&previous.value.bytes(), &entry.value.bytes())
}
