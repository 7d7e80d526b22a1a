//! Delete, one object or a collection.

mod collection;
mod options;

use std::sync::Arc;

use backstay_resources::{Object, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Write};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

pub(crate) use self::collection::{collection, remove_all};
pub(crate) use self::options::Options;
use crate::api::{Api, Served};
use crate::namespace;
use crate::respond::Reply;
use crate::status::Failure;
use crate::view::Renderer;
use crate::write::{Subject, commit_failure};

/// How often a deletion is tried again when others change the object meanwhile.
const ATTEMPTS: usize = 16;

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone { uid: String },
    /// It waits for its finalizers.
    Waits { value: Bytes, revision: u64 },
}

/// Deletes an object, and answers what became of it.
pub(crate) async fn one(
    api: &Arc<Api>,
    renderer: &Renderer,
    subject: &Subject,
    options: &Options,
) -> Result<Reply, Failure> {
    let Subject { served, namespace, name, .. } = subject;
    let deleted = if namespace::is_namespace(served.kind) {
        namespace::delete(api, served, name, options).await?
    } else {
        let deleted = remove(api, served, namespace, name, options).await?;
        if !options.is_dry_run() {
            namespace::settle_around(api, served.kind, namespace, name).await;
        }
        deleted
    };
    Ok(match deleted {
        Deleted::Gone { uid } => {
            let mut details = json!({"name": name, "kind": served.kind.plural, "uid": uid});
            if !served.kind.group.is_empty() {
                details["group"] = served.kind.group.into();
            }
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
            });
            Reply::new(StatusCode::OK, status.to_string())
        }
        Deleted::Waits { value, revision } => {
            let mut json = Vec::with_capacity(value.len() + 64);
            renderer.one(&value, revision, &mut json);
            Reply::new(StatusCode::ACCEPTED, json)
        }
    })
}

/// Removes an object, or if finalizers wait, marks it.
pub(crate) async fn remove(
    api: &Api,
    served: &Served,
    namespace: &str,
    name: &str,
    options: &Options,
) -> Result<Deleted, Failure> {
    let key = served.key(namespace, name);
    remove_if(api, served, &key, options.is_dry_run(), |entry, object| options.check(served, entry, object)).await
}

/// The same of an object that `check` lets go, which is asked again whenever others have changed it meanwhile.
async fn remove_if(
    api: &Api,
    served: &Served,
    key: &Key,
    dry_run: bool,
    check: impl Fn(&Entry, &Object) -> Result<(), Failure>,
) -> Result<Deleted, Failure> {
    let name = key.name();
    for _ in 0..ATTEMPTS {
        let snapshot = api.store.read().await?;
        let entry = snapshot.get(key).ok_or_else(|| Failure::not_found(served.kind, name))?;
        let mut object = Object::decode(&entry.value).map_err(Failure::internal)?;
        check(entry, &object)?;
        let uid = object.metadata.uid.clone();
        let waits = !object.metadata.finalizers.is_empty() || namespace::is_namespace(served.kind);
        if waits && object.metadata.deletion_timestamp.is_some() {
            return Ok(Deleted::Waits { value: entry.value.clone(), revision: entry.modified });
        }
        let (operation, value) = if waits {
            mark(served, &mut object);
            let value = Bytes::from(object.encode().map_err(Failure::internal)?);
            (Operation::Put(value.clone()), value)
        } else {
            (Operation::Delete, entry.value.clone())
        };
        let revision = if dry_run {
            entry.modified
        } else {
            let mut writes = vec![Write { key: key.clone(), expect: Expect::Modified(entry.modified), operation }];
            if namespace::is_namespace(served.kind) {
                writes.push(namespace::mark(name));
            }
            match api.store.commit(writes).await {
                Ok(committed) => committed.revision,
                Err(CommitError::Conflict { .. }) => continue,
                Err(error) => return Err(commit_failure(error)),
            }
        };
        return Ok(if waits { Deleted::Waits { value, revision } } else { Deleted::Gone { uid } });
    }
    Err(Failure::modified(served.kind, name))
}

/// Says of an object that it is to go.
fn mark(served: &Served, object: &mut Object) {
    object.metadata.deletion_timestamp = Some(Timestamp::now());
    object.metadata.deletion_grace_period_seconds = Some(0);
    object.metadata.generation += 1;
    if namespace::is_namespace(served.kind) {
        object.body.insert("status".into(), json!({"phase": "Terminating"}));
    }
}
