//! Changes of objects that are there.

use backstay_auth::Attributes;
use backstay_resources::decode::Decoded;
use backstay_resources::{FieldError, FieldPath, ManagedFields, Object};
use backstay_store::{CommitError, Entry, Expect, Operation, Snapshot, Write};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

use super::{Edit, Written, apply, writer};
use crate::admission::{Draft, check_size};
use crate::ahead::{Attempt, Looks, ahead};
use crate::api::Api;
use crate::ownership::{self, Claim};
use crate::patch::Patch;
use crate::path::{Part, Subject};
use crate::query::{self, Params};
use crate::served::ServedKind;
use crate::status::Failure;

/// An object as an update is to leave it, before it is admitted.
struct Wanted {
    draft: Draft,
    /// Who owns what of it, as far as that is known before what changed is.
    owners: Owners,
}

/// Who owns what, after an update.
enum Owners {
    /// Whoever the client says, and the writer what it changed.
    Claimed(Claim),
    /// As an apply left it. `same` if that is as it was.
    Applied { managed_fields: ManagedFields, same: bool },
}

/// Whether whoever applies an object that is not there may also create it: to patch is not enough.
async fn may_create(subject: &Subject, params: &Params) -> Result<(), Failure> {
    let Some(caller) = &params.caller else { return Ok(()) };
    let Subject { served, namespace, name, .. } = subject;
    let asked = Attributes {
        namespace: namespace.as_str().into(),
        name: name.as_str().into(),
        ..Attributes::resource("create", served.kind.group, served.kind.plural)
    };
    let decision = caller.check(&asked).await;
    if decision.allowed { Ok(()) } else { Err(Failure::denied(&caller.user, &asked, &decision.reason)) }
}

/// Replaces or patches an object, or its status; applies one, which may make it.
pub(crate) async fn update(api: &Api, subject: &Subject, params: &Params, change: &Edit) -> Result<Written, Failure> {
    let Subject { served, namespace, name, .. } = subject;
    let key = served.key(namespace, name);
    let makes = matches!(change, Edit::Apply(_)) && served.kind.is_namespaced();
    let looks = Looks { key: &key, namespace: makes.then_some(namespace.as_str()) };
    let attempts = api.options.patch_attempts.max(1) + 1;
    // Boxed, since whoever waits for it would be as large otherwise.
    let attempt = |snapshot: Snapshot| Box::pin(async move { attempt(api, subject, params, change, &snapshot).await });
    let written = ahead(&*api.store, looks, attempts, attempt).await?;
    written.ok_or_else(|| Failure::modified(served.kind, name))
}

async fn attempt(
    api: &Api,
    subject: &Subject,
    params: &Params,
    change: &Edit,
    snapshot: &Snapshot,
) -> Result<Attempt<Written>, Failure> {
    let Subject { served, namespace, name, part } = subject;
    let key = served.key(namespace, name);
    let Some(entry) = snapshot.get(&key) else {
        let Edit::Apply(config) = change else { return Err(Failure::not_found(served.kind, name)) };
        may_create(subject, params).await?;
        return apply::create(api, subject, params, config, snapshot).await;
    };
    let current = served.decode(&entry.value.bytes()).map_err(Failure::internal)?;
    let fields = as_read(served, &current, entry.modified)?;
    let Wanted { mut draft, owners } = wanted(api, subject, params, change, &current, &fields)?;
    // A patch begins with the stored version: applied again, one that names a version finds another.
    let expects = check_preconditions(subject, &draft, entry, &current)? && change.names_version();
    match part {
        Part::Whole => draft.carry_over(served, &fields),
        Part::Status => draft = draft.only_status(&fields),
    }
    let (mut object, warnings) = draft.admit(served, Some(&current))?;
    check_finalizers(served, &object, &current)?;
    object.metadata.resource_version.clear();
    if wishes(&object) != wishes(&current) {
        object.metadata.generation += 1;
    }
    note_owners(subject, params, owners, &current, &mut object);
    check_size(api, Some(&current), &object)?;
    let goes =
        object.metadata.deletion_timestamp.is_some() && object.metadata.finalizers.is_empty() && !served.is_namespace;
    if object == current && !goes {
        return Ok(Attempt::Seen(Written::stored(StatusCode::OK, entry, warnings)));
    }
    served.to_stored(&mut object);
    let value = Bytes::from(object.encode().map_err(Failure::internal)?);
    if params.dry_run {
        let revision = Some(entry.modified);
        return Ok(Attempt::Seen(Written { status: StatusCode::OK, value, revision, warnings, goes: false }));
    }
    let operation = if goes { Operation::Delete } else { Operation::Put(value.clone()) };
    let write = Write { key, expect: Expect::Modified(entry.modified), operation };
    Ok(match api.store.commit(vec![write]).await {
        Ok(committed) => {
            let goes = object.metadata.deletion_timestamp.is_some();
            let revision = Some(committed.revision);
            Attempt::Done(Written { status: StatusCode::OK, value, revision, warnings, goes })
        }
        Err(CommitError::Conflict { .. }) if expects => Attempt::Failed(Failure::modified(served.kind, name)),
        Err(CommitError::Conflict { .. }) => Attempt::Beaten,
        Err(error) => Attempt::Failed(error.into()),
    })
}

/// What the object is to become, as the client says.
fn wanted(
    api: &Api,
    subject: &Subject,
    params: &Params,
    change: &Edit,
    current: &Object,
    fields: &Map<String, Value>,
) -> Result<Wanted, Failure> {
    let decoded = match change {
        Edit::Replace(decoded) => decoded.clone(),
        Edit::Masked(masked) => Decoded { value: Value::Object(masked.apply(fields.clone())), duplicates: Vec::new() },
        Edit::Patch(patch) => {
            let mut value = Value::Object(fields.clone());
            if matches!(patch, Patch::Json(_)) {
                show_owners(&mut value, &current.metadata.managed_fields)?;
            }
            patch
                .apply(&mut value, api.options.max_body_bytes)
                .map_err(|error| Failure::patch_failed(subject.served.kind, &subject.name, &error.to_string()))?;
            Decoded { value, duplicates: patch.duplicates().to_vec() }
        }
        Edit::Apply(config) => {
            let owned = &current.metadata.managed_fields;
            let applied = config.apply(subject, params, fields.clone(), owned)?;
            let mut draft = Draft::merged(applied.fields, config.warnings.clone());
            draft.locate(Some(&subject.name), &subject.namespace)?;
            let owners = Owners::Applied { managed_fields: applied.managed_fields, same: applied.same_owners };
            return Ok(Wanted { draft, owners });
        }
    };
    let mut draft = Draft::new(&subject.served, decoded, params.field_validation)?;
    draft.locate(Some(&subject.name), &subject.namespace)?;
    let claim = draft.take_claim();
    // By way of the status nobody says who owns what.
    let claim = if subject.part == Part::Status { Claim::Kept } else { claim };
    Ok(Wanted { draft, owners: Owners::Claimed(claim) })
}

/// Writes into an object who owns what of it.
fn note_owners(subject: &Subject, params: &Params, owners: Owners, current: &Object, object: &mut Object) {
    match owners {
        Owners::Claimed(claim) => {
            let writer = writer(params, subject.part);
            ownership::record_from(subject.served.kind, Some(current), object, &claim, &writer);
        }
        Owners::Applied { managed_fields, same } => {
            object.metadata.managed_fields = current.metadata.managed_fields.clone();
            // What changes nothing is no write, also if it is done again and again.
            if !same || object != current {
                object.metadata.managed_fields = managed_fields;
            }
        }
    }
}

/// Whether the client named the version that it expects; 409 if that is not the stored one.
fn check_preconditions(subject: &Subject, draft: &Draft, entry: &Entry, current: &Object) -> Result<bool, Failure> {
    let Subject { served, name, .. } = subject;
    let uid = draft.metadata("uid");
    if !uid.is_empty() && uid != current.metadata.uid {
        let stored = &current.metadata.uid;
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}");
        return Err(Failure::conflict(served.kind, name, &why));
    }
    let version = draft.metadata("resourceVersion");
    if version.is_empty() {
        return Ok(false);
    }
    if query::resource_version(version)? != entry.modified {
        return Err(Failure::modified(served.kind, name));
    }
    Ok(true)
}

/// What is going away is held up by those who held it when that began: 422 for more.
///
/// Source: Kubernetes, `apimachinery/pkg/api/validation`, `ValidateObjectMetaUpdate`.
fn check_finalizers(served: &ServedKind, object: &Object, current: &Object) -> Result<(), Failure> {
    let held = &current.metadata.finalizers;
    let mut added = object.metadata.finalizers.iter().filter(|finalizer| !held.contains(finalizer)).peekable();
    if current.metadata.deletion_timestamp.is_none() || added.peek().is_none() {
        return Ok(());
    }
    let added: Vec<&str> = added.map(String::as_str).collect();
    let why = format!("no new finalizers can be added if the object is being deleted, found new finalizers {added:?}");
    let error = FieldError::forbidden(FieldPath::new("metadata").child("finalizers"), &why);
    Err(Failure::invalid(served.kind, &object.metadata.name, &[error]))
}

/// What the user asked for: all that is neither metadata nor status.
fn wishes(object: &Object) -> Vec<(&String, &Value)> {
    let mut wishes: Vec<_> = object.body.iter().filter(|(name, _)| *name != "status").collect();
    wishes.sort_by_key(|(name, _)| name.as_str());
    wishes
}

/// A stored object as clients see it, without who owns what.
fn as_read(served: &ServedKind, object: &Object, revision: u64) -> Result<Map<String, Value>, Failure> {
    let mut metadata = object.metadata.clone();
    metadata.managed_fields = ManagedFields::default();
    metadata.resource_version = revision.to_string();
    let mut fields = Map::with_capacity(object.body.len() + 3);
    fields.insert("apiVersion".into(), served.api_version.as_str().into());
    fields.insert("kind".into(), object.kind.as_str().into());
    fields.insert("metadata".into(), serde_json::to_value(&metadata).map_err(Failure::internal)?);
    fields.extend(object.body.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(fields)
}

/// Adds who owns what, for those who change it.
fn show_owners(value: &mut Value, owned: &ManagedFields) -> Result<(), Failure> {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !owned.is_empty()) {
        let owned = serde_json::from_str(owned.json()).map_err(Failure::internal)?;
        metadata.insert("managedFields".into(), owned);
    }
    Ok(())
}
