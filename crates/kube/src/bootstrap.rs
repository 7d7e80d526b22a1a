//! Making a store ready to be served.

use std::sync::Arc;

use backstay_resources::core::NAMESPACE;
use backstay_resources::{Kind, Object, Registry, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Prefix, Store, Write};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::Api;
use crate::lifecycle::{self, DEFAULT_NAMESPACE};
use crate::namespace;
use crate::options::Options;
use crate::ownership::{self, CONTROLLER, Writer};

/// Writes under way at once while a store is made ready.
const CONCURRENT_WRITES: usize = 256;

/// The store could not be made ready to be served.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The namespace `default` could not be created.
    #[error("cannot create the namespace {DEFAULT_NAMESPACE}: {0}")]
    Commit(#[from] CommitError),
    /// The namespace `default` could not be encoded.
    #[error("cannot encode the namespace {DEFAULT_NAMESPACE}: {0}")]
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
    let key = Key::new(&NAMESPACE.resource(), "", DEFAULT_NAMESPACE);
    let snapshot = store.read().await?;
    if snapshot.get(&key).is_none() {
        let mut namespace =
            Object { api_version: NAMESPACE.api_version(), kind: NAMESPACE.kind.to_owned(), ..Object::default() };
        namespace.metadata.name = DEFAULT_NAMESPACE.to_owned();
        namespace.metadata.uid = Uuid::new_v4().to_string();
        namespace.metadata.creation_timestamp = Some(Timestamp::now());
        namespace.metadata.generation = 1;
        (NAMESPACE.default)(&mut namespace);
        let writer = Writer { manager: CONTROLLER, subresource: "", time: Timestamp::now() };
        ownership::record(&NAMESPACE, None, &mut namespace, &writer);
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
    let api = Api::new(Arc::clone(store), registry, Options::default(), never);
    for entry in snapshot.list(&Prefix::resource(&NAMESPACE.resource())) {
        if lifecycle::terminates(entry) {
            namespace::settle(&api, entry.key.name()).await;
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
    let stored = Object::decode(&entry.value.bytes())
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
