//! Deleting one object.

use backstay_resources::{Object, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Key, Operation, Snapshot, Write};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::dependents::{Propagation, prepare};
use super::options::{Effect, Options};
use crate::ahead::{Attempt, Looks, ahead};
use crate::api::Api;
use crate::lifecycle;
use crate::respond::Reply;
use crate::served::ServedKind;
use crate::status::Failure;
use crate::view::Renderer;

/// How often a deletion is tried again when others change the object meanwhile. Whoever deletes has not said which version, so
/// it goes through in the end, however many write: each attempt that fails is a change that another has got through.
const ATTEMPTS: usize = 10_000;

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone { uid: String },
    /// It waits for its finalizers.
    Waits { value: Bytes, revision: u64 },
}

impl Deleted {
    /// As an answer about the object that the request named.
    pub(crate) fn reply(self, renderer: &Renderer, name: &str) -> Reply {
        match self {
            Self::Gone { uid } => {
                let kind = renderer.served.kind;
                let mut details = json!({"name": name, "kind": kind.plural, "uid": uid});
                if !kind.group.is_empty() {
                    details["group"] = kind.group.into();
                }
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
                });
                Reply::new(StatusCode::OK, status.to_string())
            }
            Self::Waits { value, revision } => {
                let mut json = Vec::with_capacity(value.len() + 64);
                renderer.one(&value, revision, &mut json);
                Reply::new(StatusCode::ACCEPTED, json)
            }
        }
    }
}

/// Removes an object, or if finalizers wait, marks it.
pub(crate) async fn remove(
    api: &Api,
    served: &ServedKind,
    namespace: &str,
    name: &str,
    options: &Options,
) -> Result<Deleted, Failure> {
    let key = served.key(namespace, name);
    if options.propagation() != Propagation::Background && !options.is_dry_run() && !served.is_namespace {
        let snapshot = api.store.read().await?;
        let entry = snapshot.get(&key).ok_or_else(|| Failure::not_found(served.kind, name))?;
        let object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
        options.check(served, entry, &object)?;
        prepare(api, &key, &object.metadata.uid, options.propagation()).await?;
    }
    remove_if(api, served, &key, options.effect(), |entry, object| options.check(served, entry, object)).await
}

/// The same of an object that `check` lets go, which is asked again whenever others have changed it meanwhile.
pub(super) async fn remove_if(
    api: &Api,
    served: &ServedKind,
    key: &Key,
    effect: Effect,
    check: impl Fn(&Entry, &Object) -> Result<(), Failure>,
) -> Result<Deleted, Failure> {
    let attempt = |snapshot: Snapshot| {
        let check = &check;
        async move {
            let entry = snapshot.get(key).ok_or_else(|| Failure::not_found(served.kind, key.name()))?;
            attempt(api, served, entry, effect, check).await
        }
    };
    let deleted = ahead(&*api.store, Looks { key, namespace: None }, ATTEMPTS, attempt).await?;
    deleted.ok_or_else(|| Failure::modified(served.kind, key.name()))
}

async fn attempt(
    api: &Api,
    served: &ServedKind,
    entry: &Entry,
    effect: Effect,
    check: &impl Fn(&Entry, &Object) -> Result<(), Failure>,
) -> Result<Attempt<Deleted>, Failure> {
    let mut object = Object::decode(&entry.value.bytes()).map_err(Failure::internal)?;
    check(entry, &object)?;
    let uid = object.metadata.uid.clone();
    let waits = !object.metadata.finalizers.is_empty() || served.is_namespace;
    if waits && object.metadata.deletion_timestamp.is_some() {
        return Ok(Attempt::Seen(Deleted::Waits { value: entry.value.to_bytes(), revision: entry.modified }));
    }
    let (operation, value) = if waits {
        mark(served, &mut object);
        let value = Bytes::from(object.encode().map_err(Failure::internal)?);
        (Operation::Put(value.clone()), value)
    } else {
        (Operation::Delete, entry.value.to_bytes())
    };
    let deleted = |revision| if waits { Deleted::Waits { value, revision } } else { Deleted::Gone { uid } };
    if effect == Effect::DryRun {
        return Ok(Attempt::Seen(deleted(entry.modified)));
    }
    let mut writes = vec![Write { key: entry.key.clone(), expect: Expect::Modified(entry.modified), operation }];
    if served.is_namespace {
        writes.push(lifecycle::mark(entry.key.name()));
    }
    match api.store.commit(writes).await {
        Ok(committed) => Ok(Attempt::Done(deleted(committed.revision))),
        Err(CommitError::Conflict { .. }) => Ok(Attempt::Beaten),
        Err(error) => Ok(Attempt::Failed(error.into())),
    }
}

/// Says of an object that it is to go.
fn mark(served: &ServedKind, object: &mut Object) {
    object.metadata.deletion_timestamp = Some(Timestamp::now());
    object.metadata.deletion_grace_period_seconds = Some(0);
    object.metadata.generation += 1;
    if served.is_namespace {
        object.body.insert("status".into(), json!({"phase": "Terminating"}));
    }
}
