//! What namespaces add: nothing is created in one that does not exist or is going away, and one that goes takes its
//! contents with it.
//!
//! A namespace that begins to go is marked by an object of its own, [`TERMINATING`], which is stored in the same commit and
//! goes in the same commit as the namespace. Whoever creates something in a namespace guards that the namespace is there
//! and its mark is not. So the store decides every race, also between several servers: after the mark nothing comes, and
//! what is removed then is all there will be. Whatever else changes of a namespace, such as a label, is in nobody's way.
//!
//! Source: Kubernetes, the admission plugin `NamespaceLifecycle` and the namespace controller.

use std::sync::Arc;

use backstay_resources::core::NAMESPACE;
use backstay_resources::{Kind, Object, Registry, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Prefix, Snapshot, Store, Write};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::{Api, Served};
use crate::delete::{self, Deleted};
use crate::options::Options;
use crate::selector::Selection;
use crate::status::Failure;

/// Writes under way at once while a store is made ready.
const CONCURRENT_WRITES: usize = 256;

/// What the store calls the marks of the namespaces that are going away. No API serves these.
const TERMINATING: &str = "terminatingnamespaces.backstay.dev";

/// The namespace that always exists.
pub const DEFAULT: &str = "default";

/// The store could not be made ready to be served.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The namespace `default` could not be created.
    #[error("cannot create the namespace {DEFAULT}: {0}")]
    Commit(#[from] CommitError),
    /// The namespace `default` could not be encoded.
    #[error("cannot encode the namespace {DEFAULT}: {0}")]
    Encode(#[from] serde_json::Error),
    /// The store could not be read.
    #[error("cannot read the store: {0}")]
    Read(#[from] backstay_store::ReadError),
}

/// Makes a store ready to be served: creates the namespace `default` if it does not exist, fills in the defaults that
/// this version has and the one that wrote an object had not, and goes on with deletions of namespaces that were
/// interrupted. `registry` has the kinds that are served.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn bootstrap(store: &Arc<dyn Store>, registry: &Registry) -> Result<(), BootstrapError> {
    let key = Key::new(&NAMESPACE.resource(), "", DEFAULT);
    let snapshot = store.read().await?;
    if snapshot.get(&key).is_none() {
        let mut namespace =
            Object { api_version: NAMESPACE.api_version(), kind: NAMESPACE.kind.to_owned(), ..Object::default() };
        namespace.metadata.name = DEFAULT.to_owned();
        namespace.metadata.uid = Uuid::new_v4().to_string();
        namespace.metadata.creation_timestamp = Some(Timestamp::now());
        namespace.metadata.generation = 1;
        (NAMESPACE.default)(&mut namespace);
        let value = namespace.encode()?;
        let write = Write { key, expect: Expect::Absent, operation: Operation::Put(value.into()) };
        match store.commit(vec![write]).await {
            // Another control plane was faster.
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for kind in registry.iter() {
        fill_in(store, kind).await?;
    }
    let (_sender, never) = watch::channel(false);
    let api = Arc::new(Api::new(Arc::clone(store), registry, Options::default(), never));
    for entry in snapshot.list(&Prefix::resource(&NAMESPACE.resource())) {
        if terminates(entry) {
            settle(Arc::clone(&api), entry.key.name().to_owned()).await;
        }
    }
    Ok(())
}

/// Reads copy stored bytes, so that defaults must be among them.
async fn fill_in(store: &Arc<dyn Store>, kind: &Kind) -> Result<(), BootstrapError> {
    let snapshot = store.read().await?;
    let prefix = Prefix::resource(&kind.resource());
    let writes: Vec<Write> = snapshot.list(&prefix).filter_map(|entry| filled(kind, entry)).collect();
    // Together, so that they share the price of reaching the disk.
    let commits = stream::iter(writes).map(|write| store.commit(vec![write])).buffer_unordered(CONCURRENT_WRITES);
    let done = commits.map(|result| match result {
        // Who changed it meanwhile filled it in.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    });
    done.try_collect().await
}

/// The write that gives an object the defaults which it lacks.
fn filled(kind: &Kind, entry: &Entry) -> Option<Write> {
    let stored = Object::decode(&entry.value)
        .inspect_err(|error| tracing::error!(key = %entry.key, %error, "a stored object cannot be decoded"))
        .ok()?;
    let mut filled = stored.clone();
    (kind.default)(&mut filled);
    if filled == stored {
        return None;
    }
    let value = filled.encode().ok()?;
    Some(Write {
        key: entry.key.clone(),
        expect: Expect::Modified(entry.modified),
        operation: Operation::Put(value.into()),
    })
}

/// Whether objects of a kind are namespaces.
pub(crate) fn is_namespace(kind: &Kind) -> bool {
    kind.group == NAMESPACE.group && kind.kind == NAMESPACE.kind
}

/// 404 if a namespace does not exist, 403 if it is going away.
pub(crate) fn check_open(snapshot: &Snapshot, kind: &Kind, namespace: &str, name: &str) -> Result<(), Failure> {
    match snapshot.get(&key_of(namespace)) {
        None => Err(Failure::not_found(&NAMESPACE, namespace)),
        Some(_) if is_marked(snapshot, namespace) => Err(Failure::terminating(kind, name, namespace)),
        Some(_) => Ok(()),
    }
}

/// The conditions under which something may be created in a namespace: what [`check_open`] looks at, as of the commit.
pub(crate) fn guards(namespace: &str) -> [Write; 2] {
    [Write::guard(key_of(namespace), Expect::Present), Write::guard(mark_of(namespace), Expect::Absent)]
}

/// What to answer when one of the [`guards`], that of `key`, did not hold.
pub(crate) fn closed(key: &Key, kind: &Kind, namespace: &str, name: &str) -> Failure {
    if *key == mark_of(namespace) {
        Failure::terminating(kind, name, namespace)
    } else {
        Failure::not_found(&NAMESPACE, namespace)
    }
}

/// Marks a namespace as going away; part of the commit that says so of the namespace itself.
pub(crate) fn mark(namespace: &str) -> Write {
    Write { key: mark_of(namespace), expect: Expect::Any, operation: Operation::Put(Bytes::new()) }
}

fn mark_of(namespace: &str) -> Key {
    Key::new(TERMINATING, "", namespace)
}

fn is_marked(snapshot: &Snapshot, namespace: &str) -> bool {
    snapshot.get(&mark_of(namespace)).is_some()
}

fn key_of(namespace: &str) -> Key {
    Key::new(NAMESPACE.plural, "", namespace)
}

fn terminates(entry: &Entry) -> bool {
    Object::decode(&entry.value).is_ok_and(|object| object.metadata.deletion_timestamp.is_some())
}

/// Deletes a namespace and what is in it.
pub(crate) async fn delete(
    api: &Arc<Api>,
    served: &Arc<Served>,
    name: &str,
    options: &delete::Options,
) -> Result<Deleted, Failure> {
    if name == DEFAULT {
        return Err(Failure::forbidden(served.kind, name, "this namespace may not be deleted"));
    }
    let marked = delete::remove(api, served, "", name, options).await?;
    if options.is_dry_run() {
        return Ok(marked);
    }
    settle_spawned(api, name).await;
    let stored = api.store.read().await?.get(&key_of(name)).map(Arc::clone);
    Ok(match (stored, marked) {
        (Some(entry), _) if terminates(&entry) => {
            Deleted::Waits { value: entry.value.clone(), revision: entry.modified }
        }
        (_, Deleted::Waits { value, .. }) => {
            let uid = Object::decode(&value).map(|object| object.metadata.uid).unwrap_or_default();
            Deleted::Gone { uid }
        }
        (_, gone) => gone,
    })
}

/// Goes on with the deletion of the namespace that an object is in, or is, after something of it went.
pub(crate) async fn settle_around(api: &Arc<Api>, kind: &Kind, namespace: &str, name: &str) {
    let namespace = if is_namespace(kind) { name } else { namespace };
    if namespace.is_empty() {
        return;
    }
    if is_marked(&api.store.snapshot(), namespace) {
        settle_spawned(api, namespace).await;
    }
}

/// Apart from the request, so that a client that goes away does not interrupt it.
async fn settle_spawned(api: &Arc<Api>, name: &str) {
    let task = tokio::spawn(settle(Arc::clone(api), name.to_owned()));
    if let Err(error) = task.await {
        tracing::error!(namespace = name, %error, "the deletion of a namespace was interrupted");
    }
}

/// Goes on with the deletion of a namespace as far as finalizers let it.
async fn settle(api: Arc<Api>, name: String) {
    if let Err(failure) = try_settle(&api, &name).await {
        tracing::warn!(namespace = name, reason = failure.message(), "the deletion of a namespace has to wait");
    }
}

async fn try_settle(api: &Api, name: &str) -> Result<(), Failure> {
    mark_if_missing(api, name).await?;
    let kinds = || api.kinds.iter().filter(|served| served.kind.is_namespaced());
    for served in kinds() {
        let prefix = served.prefix(Some(name));
        let entries: Vec<_> = api.store.read().await?.list(&prefix).map(Arc::clone).collect();
        delete::remove_all(api, served, &entries, &Selection::default(), &delete::Options::default()).await?;
    }
    let snapshot = api.store.read().await?;
    if kinds().any(|served| snapshot.list(&served.prefix(Some(name))).next().is_some()) {
        return Ok(());
    }
    let key = key_of(name);
    let Some(entry) = snapshot.get(&key) else { return Ok(()) };
    let namespace = Object::decode(&entry.value).map_err(Failure::internal)?;
    if namespace.metadata.deletion_timestamp.is_none() || !namespace.metadata.finalizers.is_empty() {
        return Ok(());
    }
    let write = Write { key, expect: Expect::Modified(entry.modified), operation: Operation::Delete };
    let mark = Write { key: mark_of(name), expect: Expect::Present, operation: Operation::Delete };
    match api.store.commit(vec![write, mark]).await {
        // Who changed it meanwhile goes on with it.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(crate::write::commit_failure(error)),
    }
}

/// An earlier version, which was interrupted, has left no mark.
async fn mark_if_missing(api: &Api, name: &str) -> Result<(), Failure> {
    let snapshot = api.store.read().await?;
    if is_marked(&snapshot, name) || !snapshot.get(&key_of(name)).is_some_and(|entry| terminates(entry)) {
        return Ok(());
    }
    match api.store.commit(vec![mark(name), Write::guard(key_of(name), Expect::Present)]).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(crate::write::commit_failure(error)),
    }
}
