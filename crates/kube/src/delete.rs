//! Delete, one object or a collection.

use std::sync::Arc;

use backstay_resources::{FieldError, FieldPath, Object, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Operation, Write};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Served};
use crate::body;
use crate::namespace;
use crate::path::Collection;
use crate::query::{self, Params};
use crate::read::{Pieces, not_older_than};
use crate::respond::{Json, Reply};
use crate::selector::Selection;
use crate::status::Failure;
use crate::view::{ListMeta, Renderer};
use crate::write::{Subject, commit_failure};

/// How often a deletion is tried again when others change the object meanwhile.
const ATTEMPTS: usize = 16;
/// Objects of a collection that are deleted by one commit, if the store takes so many.
const BATCH: usize = 256;

/// What a client says about a deletion, in the body or in the query.
#[derive(Debug, Default)]
pub(crate) struct Options {
    dry_run: bool,
    uid: Option<String>,
    revision: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    kind: Option<String>,
    dry_run: Option<Vec<String>>,
    grace_period_seconds: Option<i64>,
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
    preconditions: Option<Preconditions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Options {
    /// Reads the body, which may be empty, and the query.
    pub(crate) fn parse(headers: &HeaderMap, bytes: &[u8], params: &Params) -> Result<Self, Failure> {
        let said = match bytes {
            [] => Body::default(),
            bytes => {
                let value = body::decode(headers, bytes)?.value;
                if !value.is_object() {
                    return Err(Failure::bad_request("the delete options are not an object"));
                }
                serde_json::from_value(value)
                    .map_err(|error| Failure::bad_request(format!("the delete options are malformed: {error}")))?
            }
        };
        if let Some(kind) = said.kind.filter(|kind| kind != "DeleteOptions") {
            return Err(Failure::bad_request(format!("the body of a deletion is DeleteOptions, not {kind:?}")));
        }
        let mut errors = Vec::new();
        let policy = said.propagation_policy.or_else(|| params.propagation_policy.clone());
        if let Some(policy) = &policy {
            // Nothing is owned by objects here but the contents of namespaces: all three come to the same.
            const POLICIES: [&str; 3] = ["Background", "Foreground", "Orphan"];
            if !POLICIES.contains(&policy.as_str()) {
                errors.push(FieldError::not_supported(FieldPath::new("propagationPolicy"), policy, &POLICIES));
            } else if said.orphan_dependents.is_some() {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(FieldPath::new("propagationPolicy"), policy, why));
            }
        }
        let grace = said.grace_period_seconds.or(params.grace_period_seconds);
        if let Some(grace) = grace.filter(|grace| *grace < 0) {
            errors.push(FieldError::invalid(FieldPath::new("gracePeriodSeconds"), grace, "must not be negative"));
        }
        if !errors.is_empty() {
            return Err(Failure::invalid_options("DeleteOptions", &errors));
        }
        let preconditions = said.preconditions.unwrap_or_default();
        let stages = said.dry_run.unwrap_or_default();
        Ok(Self {
            dry_run: params.dry_run || query::dry_run(stages.iter().map(String::as_str))?,
            uid: preconditions.uid,
            revision: preconditions.resource_version.as_deref().map(query::resource_version).transpose()?,
        })
    }

    /// Whether nothing is to be deleted.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    fn check(&self, served: &Served, entry: &Entry, object: &Object) -> Result<(), Failure> {
        let (name, stored) = (entry.key.name(), &object.metadata.uid);
        if let Some(uid) = self.uid.as_ref().filter(|uid| *uid != stored) {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}");
            return Err(Failure::conflict(served.kind, name, &why));
        }
        let stored = entry.modified;
        if let Some(version) = self.revision.filter(|version| *version != stored) {
            let what = "Precondition failed: ResourceVersion in precondition";
            let why = format!("{what}: {version}, ResourceVersion in object meta: {stored}");
            return Err(Failure::conflict(served.kind, name, &why));
        }
        Ok(())
    }
}

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
        if !options.dry_run {
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
    for _ in 0..ATTEMPTS {
        let snapshot = api.store.read().await?;
        let entry = snapshot.get(&key).ok_or_else(|| Failure::not_found(served.kind, name))?;
        let mut object = Object::decode(&entry.value).map_err(Failure::internal)?;
        options.check(served, entry, &object)?;
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
        let revision = if options.dry_run {
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

/// Deletes the objects of a collection that are selected, and answers them as they were.
pub(crate) async fn collection(
    api: &Arc<Api>,
    renderer: Renderer,
    params: &Params,
    collection: &Collection,
    options: &Options,
) -> Result<Reply, Failure> {
    let served = &collection.served;
    let selection = Selection::parse(served, &params.label_selector, &params.field_selector)?;
    let snapshot = not_older_than(api, None).await?;
    let prefix = served.prefix(collection.namespace.as_deref());
    let entries: Vec<Arc<Entry>> =
        snapshot.list(&prefix).filter(|entry| selection.matches(entry)).map(Arc::clone).collect();
    if options.uid.is_some() || options.revision.is_some() {
        for entry in &entries {
            let object = Object::decode(&entry.value).map_err(Failure::internal)?;
            options.check(served, entry, &object)?;
        }
    }
    if !options.dry_run {
        remove_all(api, served, &entries).await?;
        if let Some(namespace) = collection.namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
            namespace::settle_around(api, served.kind, namespace, "").await;
        }
    }
    let size = entries.iter().map(|entry| entry.value.len() + 64).sum();
    let meta = ListMeta { revision: api.store.snapshot().revision(), ..ListMeta::default() };
    let pieces = Box::new(Pieces::new(renderer, meta, entries));
    Ok(Reply { status: StatusCode::OK, json: Json::Pieces { pieces, size }, warnings: Vec::new() })
}

/// Removes objects, many at a time. Those that others change or remove meanwhile are looked at one by one.
pub(crate) async fn remove_all(api: &Api, served: &Served, entries: &[Arc<Entry>]) -> Result<(), Failure> {
    for batch in entries.chunks(api.store.limits().operations.clamp(1, BATCH)) {
        let (mut writes, mut others) = (Vec::with_capacity(batch.len()), Vec::new());
        for entry in batch {
            let object = Object::decode(&entry.value).map_err(Failure::internal)?;
            if object.metadata.finalizers.is_empty() {
                let expect = Expect::Modified(entry.modified);
                writes.push(Write { key: entry.key.clone(), expect, operation: Operation::Delete });
            } else {
                others.push(entry.key.clone());
            }
        }
        let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
        if !writes.is_empty() {
            match api.store.commit(writes).await {
                Ok(_) => {}
                Err(CommitError::Conflict { .. }) => others.extend(keys),
                Err(error) => return Err(commit_failure(error)),
            }
        }
        for key in others {
            match remove(api, served, key.namespace(), key.name(), &Options::default()).await {
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {}
            }
        }
    }
    Ok(())
}
