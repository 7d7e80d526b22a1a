//! Objects that belong to others, by `metadata.ownerReferences`, and go with them.
//!
//! An object goes when none of its owners is left; while one is, references to those that are gone are taken out. Deleted in the
//! foreground, an owner waits, by the finalizer `foregroundDeletion`, for those that say that they block it; orphaned, those that
//! belong to it lose their reference to it first.
//!
//! A reference names an owner of the same namespace, or one that is in none. One that names a kind which is not served keeps its
//! object: whether it is there, nobody can tell.
//!
//! Source: Kubernetes, "Garbage Collection" and the controller of that name.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use backstay_resources::meta::OwnerReference;
use backstay_resources::{Object, Registry};
use backstay_store::{Change, Entry, Key, Prefix, Snapshot, Store, WatchError};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::api::Api;
use crate::delete::{self, FOREGROUND, OWNED, Options as Deletion, Propagation, change, contains, disown};
use crate::options::Options;
use crate::served::ServedKind;
use crate::status::Failure;

/// How long what could not be done rests before it is tried again.
const REST: Duration = Duration::from_secs(1);

/// What an entry must hold to be of interest, before it is decoded: most objects belong to nobody.
const MARKS: [&[u8]; 2] = [OWNED, b"\"foregroundDeletion\""];

/// Collects what belongs to objects that are gone, for as long as it is polled. `registry` has the kinds that are served.
pub async fn collect_garbage(store: Arc<dyn Store>, registry: Registry) {
    let (_sender, never) = watch::channel(false);
    let api = Api::new(store, &registry, Options::default(), never);
    let mut collector = Collector {
        api,
        belongings: HashMap::new(),
        owners: HashMap::new(),
        waiting: HashMap::new(),
        due: BTreeSet::new(),
    };
    loop {
        match collector.follow().await {
            Ok(()) | Err(WatchError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "the store's history was lost, looking at all that belongs to others again");
            }
        }
    }
}

struct Collector {
    api: Api,
    /// What belongs to the object with a uid, whether that is there or not.
    belongings: HashMap<String, BTreeSet<Key>>,
    /// The owners of an object, by uid.
    owners: HashMap<Key, Vec<String>>,
    /// Owners that wait for what belongs to them, by uid.
    waiting: HashMap<String, Key>,
    /// Objects to look at.
    due: BTreeSet<Key>,
}

/// What is known of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    There,
    Gone,
    /// It goes once what blocks it has gone.
    Waits,
}

impl Collector {
    /// Notes everything there is.
    fn list(&mut self) {
        self.belongings.clear();
        self.owners.clear();
        self.waiting.clear();
        let snapshot = self.api.store.snapshot();
        for entry in snapshot.list(&Prefix::all()) {
            self.note(entry);
        }
    }

    /// Notes everything there is and follows what changes, until the history is lost or the store closes.
    async fn follow(&mut self) -> Result<(), WatchError> {
        let mut watch = self.api.store.watch(Prefix::all(), self.api.store.snapshot().revision())?;
        // After the watch has begun: what comes between is looked at twice, and nothing is missed.
        self.list();
        loop {
            self.work().await;
            let events = if self.due.is_empty() {
                watch.next().await?
            } else {
                tokio::select! {
                    events = watch.next() => events?,
                    () = sleep(REST) => continue,
                }
            };
            for event in events {
                match &event.change {
                    Change::Created(entry) | Change::Updated { entry, .. } => self.note(entry),
                    Change::Deleted(entry) => self.gone(entry),
                }
            }
        }
    }

    /// An object is there, as it is now.
    fn note(&mut self, entry: &Entry) {
        let value = entry.value.bytes();
        let is_of_interest = MARKS.iter().any(|mark| contains(&value, mark));
        if !is_of_interest && !self.owners.contains_key(&entry.key) {
            return;
        }
        self.forget(&entry.key);
        let Ok(object) = Object::decode(&value) else { return };
        let uids: Vec<String> = object.metadata.owner_references.iter().map(|owner| owner.uid.clone()).collect();
        for uid in &uids {
            self.belongings.entry(uid.clone()).or_default().insert(entry.key.clone());
        }
        if !uids.is_empty() {
            self.owners.insert(entry.key.clone(), uids);
        }
        if object.metadata.deletion_timestamp.is_some() && contains(&value, MARKS[1]) {
            self.waiting.insert(object.metadata.uid, entry.key.clone());
        }
        if is_of_interest {
            self.due.insert(entry.key.clone());
        }
    }

    fn forget(&mut self, key: &Key) -> Vec<String> {
        let uids = self.owners.remove(key).unwrap_or_default();
        for uid in &uids {
            if let Some(keys) = self.belongings.get_mut(uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.belongings.remove(uid);
                }
            }
        }
        uids
    }

    /// An object is gone: what belongs to it is looked at, and whom it belonged to.
    fn gone(&mut self, entry: &Entry) {
        self.due.remove(&entry.key);
        let owners = self.forget(&entry.key);
        self.due.extend(owners.iter().filter_map(|uid| self.waiting.get(uid)).cloned());
        if self.belongings.is_empty() && self.waiting.is_empty() {
            return;
        }
        if let Ok(object) = Object::decode(&entry.value.bytes()) {
            self.waiting.remove(&object.metadata.uid);
            self.due.extend(self.belongings.get(&object.metadata.uid).into_iter().flatten().cloned());
        }
    }

    /// Looks at what is due. What could not be done stays due.
    async fn work(&mut self) {
        for key in std::mem::take(&mut self.due) {
            if let Err(failure) = self.look_at(&key).await {
                tracing::warn!(%key, reason = failure.message(), "what belongs to another object could not be collected");
                self.due.insert(key);
            }
        }
    }

    async fn look_at(&self, key: &Key) -> Result<(), Failure> {
        let api = &self.api;
        let Some(served) =
            api.kinds.iter().find(|served| served.stored_as.is_none() && served.resource == key.resource())
        else {
            return Ok(());
        };
        let snapshot = api.store.read().await?;
        let Some(entry) = snapshot.get(key) else { return Ok(()) };
        let object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
        if object.metadata.deletion_timestamp.is_some() {
            if object.metadata.finalizers.iter().any(|finalizer| finalizer == FOREGROUND) {
                self.foreground(served, key, &object, &snapshot).await?;
            }
            return Ok(());
        }
        let owners: Vec<(Owner, &OwnerReference)> =
            object.metadata.owner_references.iter().map(|owner| (find(api, &snapshot, key, owner), owner)).collect();
        let gone = owners.iter().filter(|(owner, _)| *owner == Owner::Gone).count();
        let waits = owners
            .iter()
            .any(|(owner, reference)| *owner == Owner::Waits && reference.block_owner_deletion == Some(true));
        let solid = owners.iter().any(|(owner, _)| *owner == Owner::There);
        if owners.is_empty() || solid && gone == 0 {
            return Ok(());
        }
        if solid {
            let uids: Vec<&str> =
                owners.iter().filter(|(owner, _)| *owner == Owner::Gone).map(|(_, it)| it.uid.as_str()).collect();
            return disown(api, key, &uids).await;
        }
        let policy = if waits { Propagation::Foreground } else { Propagation::Background };
        let options = Deletion::of(object.metadata.uid.clone(), policy);
        match delete::remove(api, served, key.namespace(), key.name(), &options).await {
            Err(failure) if !failure.is_not_found() && !failure.is_conflict() => Err(failure),
            _ => Ok(()),
        }
    }

    /// An owner that waits: those that belong to it go, and with the last of them that blocks it, so does it.
    async fn foreground(
        &self,
        served: &ServedKind,
        key: &Key,
        owner: &Object,
        snapshot: &Snapshot,
    ) -> Result<(), Failure> {
        let mut blocked = false;
        for dependent in self.belongings.get(&owner.metadata.uid).into_iter().flatten() {
            let Some(entry) = snapshot.get(dependent) else { continue };
            let object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
            let is_it = |reference: &&OwnerReference| reference.uid == owner.metadata.uid;
            let blocks = |reference: &OwnerReference| reference.block_owner_deletion == Some(true);
            blocked |= object.metadata.owner_references.iter().find(is_it).is_some_and(blocks);
            Box::pin(self.look_at(dependent)).await?;
        }
        let is_blocked = blocked && {
            let after = self.api.store.read().await?;
            let belongings = self.belongings.get(&owner.metadata.uid);
            belongings.into_iter().flatten().any(|dependent| after.get(dependent).is_some())
        };
        if is_blocked { Ok(()) } else { release(&self.api, served, key).await }
    }
}

/// Whether an owner is there. Where nobody can tell, it is.
fn find(api: &Api, snapshot: &Snapshot, key: &Key, owner: &OwnerReference) -> Owner {
    let mut kinds = api.kinds.iter();
    let Some(served) = kinds.find(|served| served.kind.kind == owner.kind && served.api_version == owner.api_version)
    else {
        return Owner::There;
    };
    let namespace = if served.kind.is_namespaced() { key.namespace() } else { "" };
    if served.kind.is_namespaced() && namespace.is_empty() {
        return Owner::There;
    }
    let Some(entry) = snapshot.get(&served.key(namespace, &owner.name)) else { return Owner::Gone };
    let Ok(object) = Object::decode(&entry.value.bytes()) else { return Owner::There };
    let metadata = &object.metadata;
    if metadata.uid != owner.uid {
        Owner::Gone
    } else if metadata.deletion_timestamp.is_some()
        && metadata.finalizers.iter().any(|finalizer| finalizer == FOREGROUND)
    {
        Owner::Waits
    } else {
        Owner::There
    }
}

/// Lets an owner go that has waited.
async fn release(api: &Api, served: &ServedKind, key: &Key) -> Result<(), Failure> {
    change(api, key, |object| {
        let before = object.metadata.finalizers.len();
        object.metadata.finalizers.retain(|finalizer| finalizer != FOREGROUND);
        object.metadata.finalizers.len() != before
    })
    .await?;
    crate::namespace::settle_around(api, served, key.namespace(), key.name()).await;
    Ok(())
}
