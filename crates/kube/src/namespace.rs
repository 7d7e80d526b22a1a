//! Deleting namespaces: one that goes takes its contents with it, and waits for those that have finalizers.
//!
//! Source: Kubernetes, the namespace controller.

use backstay_resources::Object;
use backstay_store::{CommitError, Expect, Operation, Write};

use crate::api::Api;
use crate::delete::{self, Deleted};
use crate::lifecycle::{DEFAULT_NAMESPACE, is_marked, key_of, mark, mark_of, terminates};
use crate::selector::Selection;
use crate::served::ServedKind;
use crate::status::Failure;

/// Deletes a namespace and what is in it.
pub(crate) async fn delete(
    api: &Api,
    served: &ServedKind,
    name: &str,
    options: &delete::Options,
) -> Result<Deleted, Failure> {
    if name == DEFAULT_NAMESPACE {
        return Err(Failure::forbidden(served.kind, name, "this namespace may not be deleted"));
    }
    let marked = delete::remove(api, served, "", name, options).await?;
    if options.is_dry_run() {
        return Ok(marked);
    }
    settle(api, name).await;
    let stored = api.store.read().await?.get(&key_of(name)).cloned();
    Ok(match (stored, marked) {
        (Some(entry), _) if terminates(&entry) => {
            Deleted::Waits { value: entry.value.to_bytes(), revision: entry.modified }
        }
        (_, Deleted::Waits { value, .. }) => {
            let uid = Object::decode(&value).map(|object| object.metadata.uid).unwrap_or_default();
            Deleted::Gone { uid }
        }
        (_, gone) => gone,
    })
}

/// Goes on with the deletion of the namespace that an object is in, or is, after something of it went.
pub(crate) async fn settle_around(api: &Api, served: &ServedKind, namespace: &str, name: &str) {
    let namespace = if served.is_namespace { name } else { namespace };
    // What this process last heard of a cluster may be older than the mark that another has set.
    if !namespace.is_empty() && api.store.read().await.is_ok_and(|snapshot| is_marked(&snapshot, namespace)) {
        settle(api, namespace).await;
    }
}

/// Goes on with the deletion of a namespace as far as finalizers let it.
pub(crate) async fn settle(api: &Api, name: &str) {
    if let Err(failure) = try_settle(api, name).await {
        tracing::warn!(namespace = name, reason = failure.message(), "the deletion of a namespace has to wait");
    }
}

async fn try_settle(api: &Api, name: &str) -> Result<(), Failure> {
    mark_if_missing(api, name).await?;
    let kinds = || {
        api.kinds.iter().filter(|served| served.kind.is_namespaced() && served.stored_as.is_none() && !served.is_event)
    };
    for served in kinds() {
        let snapshot = api.store.read().await?;
        // Others may have come to the end of it, and a namespace of this name may have been created again: what is in that
        // one stays.
        if !is_marked(&snapshot, name) {
            return Ok(());
        }
        let entries: Vec<_> = snapshot.list(&served.prefix(Some(name))).cloned().collect();
        delete::remove_all(api, served, &entries, &Selection::default(), &delete::Options::default()).await?;
    }
    let snapshot = api.store.read().await?;
    if kinds().any(|served| snapshot.list(&served.prefix(Some(name))).next().is_some()) {
        return Ok(());
    }
    let key = key_of(name);
    let Some(entry) = snapshot.get(&key) else { return Ok(()) };
    let namespace = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
    if namespace.metadata.deletion_timestamp.is_none() || !namespace.metadata.finalizers.is_empty() {
        return Ok(());
    }
    let write = Write { key, expect: Expect::Modified(entry.modified), operation: Operation::Delete };
    let mark = Write { key: mark_of(name), expect: Expect::Present, operation: Operation::Delete };
    match api.store.commit(vec![write, mark]).await {
        Ok(_) => {
            api.options.events.forget_namespace(name);
            Ok(())
        }
        // Who changed it meanwhile goes on with it.
        Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An earlier version, which was interrupted, has left no mark.
async fn mark_if_missing(api: &Api, name: &str) -> Result<(), Failure> {
    let snapshot = api.store.read().await?;
    let Some(entry) = snapshot.get(&key_of(name)).filter(|entry| terminates(entry)) else { return Ok(()) };
    if is_marked(&snapshot, name) {
        return Ok(());
    }
    match api.store.commit(vec![mark(name), Write::guard(key_of(name), Expect::Modified(entry.modified))]).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
