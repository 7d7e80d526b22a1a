//! What a store holds, out of it and into it, while no control plane has it open.

use std::path::{Path, PathBuf};

use backstay_resources::{Kind, Object, Timestamp};
use backstay_store::embedded::Options;
use backstay_store::{CommitError, Embedded, Expect, Key, Keys, OpenError, Operation, Prefix, Store, Write};
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
    /// An object cannot be encoded.
    #[error("{name} cannot be encoded: {source}")]
    Encode {
        /// Which object.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
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
    let snapshot = Embedded::open(path, options(keys))?.snapshot();
    let mut objects = Vec::new();
    for kind in registry().iter() {
        for entry in snapshot.list(&Prefix::resource(&kind.resource())) {
            match serde_json::from_slice(&entry.value) {
                Ok(object) => objects.push(object),
                Err(error) => tracing::error!(key = %entry.key, %error, "a stored object cannot be read"),
            }
        }
    }
    Ok(objects)
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
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for (kind, mut object) in objects {
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
        bytes += value.len();
        batch.push(Write { key, expect: Expect::Absent, operation: Operation::Put(value.into()) });
        if batch.len() >= BATCH || bytes >= BATCH_BYTES {
            store.commit(std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(from, to).map_err(|source| BackupError::File { path: from.to_owned(), source })
}

#[cfg(test)]
mod tests;
