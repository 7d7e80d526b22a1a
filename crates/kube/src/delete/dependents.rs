//! What belongs to an object that is deleted, by `metadata.ownerReferences`.
//!
//! Source: Kubernetes, "Garbage Collection": deletion in the foreground, and orphans.

use std::sync::Arc;

use backstay_resources::Object;
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Prefix, Write};

use crate::api::Api;
use crate::status::Failure;

/// The finalizer of an owner that waits for what belongs to it.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// What the encoding of an object has that belongs to another.
pub(crate) const OWNED: &[u8] = b"\"ownerReferences\"";

/// How often a reference is taken out anew of an object that others change meanwhile.
const ATTEMPTS: usize = 100;

/// What becomes of what belongs to an object that is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Propagation {
    /// It goes after it.
    #[default]
    Background,
    /// What blocks it goes before it.
    Foreground,
    /// It stays.
    Orphan,
}

/// Does what has to be done before an object with this uid may go.
pub(crate) async fn prepare(api: &Api, key: &Key, uid: &str, propagation: Propagation) -> Result<(), Failure> {
    if propagation == Propagation::Background {
        return Ok(());
    }
    let snapshot = api.store.read().await?;
    let is_dependent = |entry: &&Arc<Entry>| {
        let value = entry.value.bytes();
        contains(&value, OWNED) && contains(&value, uid.as_bytes())
    };
    let mut blocks = false;
    for entry in snapshot.list(&Prefix::all()).filter(is_dependent) {
        let Ok(object) = Object::decode(&entry.value.bytes()) else { continue };
        let mut references = object.metadata.owner_references.iter();
        let Some(reference) = references.find(|reference| reference.uid == uid) else { continue };
        if propagation == Propagation::Orphan {
            disown(api, &entry.key, &[uid]).await?;
        } else {
            blocks |= reference.block_owner_deletion == Some(true);
        }
    }
    if !blocks {
        return Ok(());
    }
    change(api, key, |object| {
        let holds =
            object.metadata.uid == uid && !object.metadata.finalizers.iter().any(|finalizer| finalizer == FOREGROUND);
        // Nobody is held up by an object that is going already.
        let holds = holds && object.metadata.deletion_timestamp.is_none();
        if holds {
            object.metadata.finalizers.push(FOREGROUND.to_owned());
        }
        holds
    })
    .await
}

/// Takes references to owners out of an object.
pub(crate) async fn disown(api: &Api, key: &Key, uids: &[&str]) -> Result<(), Failure> {
    change(api, key, |object| {
        let before = object.metadata.owner_references.len();
        object.metadata.owner_references.retain(|reference| !uids.contains(&reference.uid.as_str()));
        object.metadata.owner_references.len() != before
    })
    .await
}

/// Changes an object if `edit` does, whoever else changes it. One whose last finalizer that takes away, and that is to go, goes.
pub(crate) async fn change(api: &Api, key: &Key, edit: impl Fn(&mut Object) -> bool) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        let snapshot = api.store.read().await?;
        let Some(entry) = snapshot.get(key) else { return Ok(()) };
        let mut object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
        if !edit(&mut object) {
            return Ok(());
        }
        let goes = object.metadata.deletion_timestamp.is_some() && object.metadata.finalizers.is_empty();
        let operation = match goes {
            true => Operation::Delete,
            false => Operation::Put(object.encode().map_err(Failure::internal)?.into()),
        };
        match api
            .store
            .commit(vec![Write { key: key.clone(), expect: Expect::Modified(entry.modified), operation }])
            .await
        {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::unavailable("others keep changing the object"))
}

/// Whether an encoding has these bytes, before it is decoded.
pub(crate) fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}
