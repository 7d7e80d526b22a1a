//! What a store holds, out of it and into it, while no control plane has it open.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backstay_resources::{Kind, Object, Timestamp};
use backstay_store::embedded::Options;
use backstay_store::{
    CommitError, Embedded, Etcd, EtcdOptions, Expect, Key, Keys, OpenError, Operation, Prefix, RewriteError, Snapshot,
    Store, Write,
};
use serde_json::Value;

use crate::registry;

/// The file of the store in a data directory.
const FILE: &str = "store.redb";

/// Objects in one commit, and bytes: well below what the store takes.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 8 << 20;

/// Why a store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is none.
    #[error("there is no store in {0}")]
    Missing(PathBuf),
    /// A control plane has it open, or it is no store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What it holds would be lost.
    #[error("the store in {directory} holds {count} objects: --replace gives them up")]
    Holds {
        /// The data directory.
        directory: PathBuf,
        /// What is in it.
        count: usize,
    },
    /// What the store on etcd holds would be lost.
    #[error("the store on etcd holds {count} objects: --replace gives them up")]
    HoldsOnEtcd {
        /// What is in it.
        count: usize,
    },
    /// Another process has the store on etcd.
    #[error("a control plane has the store on etcd: end all that have it")]
    Held,
    /// An object cannot be encoded.
    #[error("{name} cannot be encoded: {source}")]
    Encode {
        /// Which object.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Not everything is sealed as was asked for.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The store does not take them.
    #[error("the store takes no objects: {0}")]
    Commit(#[from] CommitError),
    /// A file could not be moved.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The settings of a store that is sealed with these keys, or not.
fn options(keys: Option<Keys>) -> Options {
    Options { seal: keys, ..Options::default() }
}

/// Seals everything in the store of a data directory with the first of the keys, or with `plain` with none; says how many objects that are.
/// Blocks while it is written.
///
/// # Errors
/// When there is no store, a control plane has it open, or a key is missing.
pub fn rewrite(directory: &Path, keys: Keys, plain: bool) -> Result<usize, BackupError> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Err(BackupError::Missing(directory.to_owned()));
    }
    Ok(Embedded::rewrite(path, &options(Some(keys)), plain)?)
}

/// The same of a store on etcd, sealed with the keys of the options. Control planes may go on to use it, unless it is with `plain`.
///
/// # Errors
/// When etcd does not answer, a key is missing, or with `plain` a control plane has the store.
pub async fn rewrite_on(etcd: EtcdOptions, plain: bool) -> Result<usize, BackupError> {
    if plain {
        // They would go on to seal.
        let store = alone(etcd.clone(), "rewrite").await?;
        let done = Etcd::rewrite(etcd, plain).await;
        store.release().await;
        return Ok(done?);
    }
    Ok(Etcd::rewrite(etcd, plain).await?)
}

/// Every object in the store of a data directory, whole, with what the API does not tell. Blocks while it is read. What is sealed needs its
/// keys.
///
/// # Errors
/// When there is no store, or a control plane has it open.
pub fn dump(directory: &Path, keys: Option<Keys>) -> Result<Vec<Value>, BackupError> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Err(BackupError::Missing(directory.to_owned()));
    }
    Ok(objects(&Embedded::open(path, options(keys))?.snapshot()))
}

/// The same of a store on etcd, which control planes may go on to use.
///
/// # Errors
/// When etcd does not answer, or a key is missing.
pub async fn dump_on(etcd: EtcdOptions) -> Result<Vec<Value>, BackupError> {
    Ok(objects(&Etcd::open(etcd).await?.snapshot()))
}

fn objects(snapshot: &Snapshot) -> Vec<Value> {
    let mut objects = Vec::new();
    for kind in registry().iter() {
        for entry in snapshot.list(&Prefix::resource(&kind.resource())) {
            match serde_json::from_slice(&entry.value.bytes()) {
                Ok(object) => objects.push(object),
                Err(error) => tracing::error!(key = %entry.key, %error, "a stored object cannot be read"),
            }
        }
    }
    objects
}

/// Makes the store of a data directory of these objects, each with its kind, as they are: with their uid, generation, status and who
/// owns what; what they lack of that is made up. It takes its place only when it is whole. With `replace`, what was there is kept
/// as `store.redb.before`.
///
/// # Errors
/// When a control plane has the store open, when it holds objects and `replace` is not set, and when it cannot be written. What was
/// there is there still, then.
pub async fn restore(
    directory: &Path,
    objects: Vec<(&'static Kind, Object)>,
    replace: bool,
    keys: Option<Keys>,
) -> Result<usize, BackupError> {
    let path = directory.join(FILE);
    let new = directory.join(format!("{FILE}.import"));
    if path.exists() {
        // Opened so that no control plane has it, and none gets it before it is done.
        let there = Embedded::open(&path, options(keys.clone()))?;
        let count = there.snapshot().len();
        if count > 0 && !replace {
            return Err(BackupError::Holds { directory: directory.to_owned(), count });
        }
        fill(&new, objects, &there, keys.clone()).await
    } else {
        let claimed = Embedded::open(&path, options(keys.clone()))?;
        fill(&new, objects, &claimed, keys.clone()).await
    }?;
    let count = {
        let restored = Embedded::open(&new, options(keys))?;
        restored.snapshot().len()
    };
    rename(&path, &directory.join(format!("{FILE}.before")))?;
    rename(&new, &path)?;
    // What is left of it guards nothing.
    let _ = std::fs::remove_file(directory.join(format!("{FILE}.import.lock")));
    Ok(count)
}

/// Fills a new store. `_claim` keeps others away meanwhile.
async fn fill(
    new: &Path,
    objects: Vec<(&'static Kind, Object)>,
    _claim: &Embedded,
    keys: Option<Keys>,
) -> Result<(), BackupError> {
    match std::fs::remove_file(new) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(BackupError::File { path: new.to_owned(), source });
        }
        _ => {}
    }
    let store = Embedded::open(new, options(keys))?;
    put(&store, encoded(objects, Expect::Absent)?).await
}

/// The writes of these objects. What they lack of what identifies an object is made up.
fn encoded(objects: Vec<(&'static Kind, Object)>, expect: Expect) -> Result<Vec<Write>, BackupError> {
    let write = |(kind, mut object): (&'static Kind, Object)| {
        let metadata = &mut object.metadata;
        if metadata.uid.is_empty() {
            metadata.uid = uuid::Uuid::new_v4().to_string();
        }
        metadata.generation = metadata.generation.max(1);
        metadata.creation_timestamp.get_or_insert_with(Timestamp::now);
        metadata.resource_version.clear();
        let namespace = if kind.is_namespaced() { metadata.namespace.as_str() } else { "" };
        let key = Key::new(&kind.resource(), namespace, &metadata.name);
        let name = format!("{} {}", kind.kind, metadata.name);
        let value = object.encode().map_err(|source| BackupError::Encode { name, source })?;
        Ok(Write { key, expect, operation: Operation::Put(value.into()) })
    };
    objects.into_iter().map(write).collect()
}

/// Commits writes in their order, as many at a time as the store takes.
async fn put(store: &dyn Store, writes: Vec<Write>) -> Result<(), BackupError> {
    let limits = store.limits();
    let (most, most_bytes) = (BATCH.min(limits.operations).max(1), BATCH_BYTES.min(limits.commit_bytes / 2));
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for write in writes {
        let size = match &write.operation {
            Operation::Put(value) => value.len(),
            _ => 0,
        };
        if !batch.is_empty() && (batch.len() >= most || bytes + size > most_bytes) {
            store.commit(std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
        bytes += size;
        batch.push(write);
    }
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    Ok(())
}

/// Makes a store on etcd of these objects, as [`restore`] does of a data directory. It is not done in one step: where it fails half-way, the
/// objects that there are are those of both, and the same import with `replace` makes it whole. What was there before is kept nowhere.
///
/// # Errors
/// When a control plane has the store, when it holds objects and `replace` is not set, and when etcd does not take them.
pub async fn restore_on(
    etcd: EtcdOptions,
    objects: Vec<(&'static Kind, Object)>,
    replace: bool,
) -> Result<usize, BackupError> {
    let store = alone(etcd, "import").await?;
    let there = store.snapshot();
    let count = there.len();
    if count > 0 && !replace {
        store.release().await;
        return Err(BackupError::HoldsOnEtcd { count });
    }
    let mut writes = encoded(objects, Expect::Any)?;
    let kept: BTreeSet<Key> = writes.iter().map(|write| write.key.clone()).collect();
    let everything = Prefix::all();
    let gone = there.list(&everything).filter(|entry| !kept.contains(&entry.key));
    let delete = |key: Key| Write { key, expect: Expect::Present, operation: Operation::Delete };
    writes.extend(gone.map(|entry| delete(entry.key.clone())));
    let done = put(&store, writes).await;
    store.release().await;
    done.map(|()| kept.len())
}

/// Opens a store on etcd that no control plane has.
async fn alone(etcd: EtcdOptions, name: &str) -> Result<Etcd, BackupError> {
    let patience = etcd.replica_ttl + etcd.deadline;
    let store = Etcd::open(EtcdOptions { replica: Some(name.to_owned()), ..etcd }).await?;
    if let Some(replicas) = store.replicas() {
        // Where no control plane is there, or the last one is forgotten, this process is the only one.
        let leads = async { replicas.term().wait_for(Option::is_some).await.is_ok() };
        if !tokio::time::timeout(patience, leads).await.unwrap_or(false) || !replicas.words().is_empty() {
            store.release().await;
            return Err(BackupError::Held);
        }
    }
    Ok(store)
}

fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(from, to).map_err(|source| BackupError::File { path: from.to_owned(), source })
}

#[cfg(test)]
mod tests;
