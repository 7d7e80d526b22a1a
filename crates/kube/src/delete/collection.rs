//! Deleting the objects of a collection.

use std::sync::Arc;

use backstay_resources::Object;
use backstay_store::{CommitError, Entry, Expect, Operation, Write};

use super::dependents::{Propagation, prepare};
use super::object::remove_if;
use super::options::{Effect, Options};
use crate::api::Api;
use crate::path::Collection;
use crate::query::Params;
use crate::read::{self, Page};
use crate::selector::Selection;
use crate::served::ServedKind;
use crate::status::Failure;

/// Objects of a collection that are deleted by one commit, if the store takes so many.
const BATCH: usize = 256;

/// Deletes the objects of a collection that are selected, or with a limit a page of them, and returns them as they were.
///
/// Source: Kubernetes, `deletecollection`: it takes the options of a list, and a limit makes the answer say where the next
/// page begins. Unlike there, a precondition that one object fails keeps all of them.
pub(crate) async fn collection(
    api: &Api,
    params: &Params,
    collection: &Collection,
    options: &Options,
) -> Result<Page, Failure> {
    let served = &collection.served;
    let page = read::page(api, params, collection).await?;
    let Page { selection, entries, .. } = &page;
    if options.has_preconditions() {
        for entry in entries {
            let object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
            options.check(served, entry, &object)?;
        }
    }
    if !options.is_dry_run() {
        for entry in entries.iter().filter(|_| options.propagation() != Propagation::Background) {
            let Object { metadata, .. } = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
            prepare(api, &entry.key, &metadata.uid, options.propagation()).await?;
        }
        remove_all(api, served, entries, selection, options).await?;
    }
    Ok(page)
}

/// Removes objects, many at a time. Those that others change meanwhile are looked at one by one: what is no longer
/// selected, or is another object of the same name by now, is left alone.
pub(crate) async fn remove_all(
    api: &Api,
    served: &ServedKind,
    entries: &[Arc<Entry>],
    selection: &Selection,
    options: &Options,
) -> Result<(), Failure> {
    for batch in entries.chunks(api.store.limits().operations.clamp(1, BATCH)) {
        let (mut writes, mut others) = (Vec::with_capacity(batch.len()), Vec::new());
        let mut uids = Vec::with_capacity(batch.len());
        for entry in batch {
            let Object { metadata, .. } = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
            if metadata.finalizers.is_empty() {
                let expect = Expect::Modified(entry.modified);
                writes.push(Write { key: entry.key.clone(), expect, operation: Operation::Delete });
                uids.push(metadata.uid);
            } else {
                others.push((entry.key.clone(), metadata.uid));
            }
        }
        let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
        if !writes.is_empty() {
            match api.store.commit(writes).await {
                Ok(_) => {}
                Err(CommitError::Conflict { .. }) => others.extend(keys.into_iter().zip(uids)),
                Err(error) => return Err(error.into()),
            }
        }
        for (key, uid) in others {
            let is_meant = |entry: &Entry, object: &Object| {
                if object.metadata.uid != uid || !selection.matches(entry) {
                    return Err(Failure::not_found(served.kind, entry.key.name()));
                }
                options.check(served, entry, object)
            };
            match remove_if(api, served, &key, Effect::Stored, is_meant).await {
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {}
            }
        }
    }
    Ok(())
}
