//! Create and update.

use backstay_resources::decode::Decoded;
use backstay_resources::{FieldError, FieldPath, Object, Timestamp};
use backstay_store::{CommitError, Entry, Expect, Operation, Write};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::admission::Draft;
use crate::api::Api;
use crate::lifecycle;
use crate::patch::Patch;
use crate::path::{Part, Subject};
use crate::query::{self, FieldValidation, Params};
use crate::respond::Reply;
use crate::served::ServedKind;
use crate::status::Failure;
use crate::view::Renderer;

/// Characters of generated names: no vowels, nothing that is easily confused.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Names that are tried before a generated name is given up.
const NAME_ATTEMPTS: usize = 8;
/// The longest prefix that leaves room for what is generated in a name of 63 characters.
const MAX_PREFIX: usize = 58;

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) status: StatusCode,
    /// The object, encoded.
    pub(crate) value: Bytes,
    /// `None` if it has never been stored.
    pub(crate) revision: Option<u64>,
    pub(crate) warnings: Vec<String>,
    /// Whether the object is going away, or has gone with this.
    pub(crate) goes: bool,
}

impl Written {
    pub(crate) fn stored(status: StatusCode, entry: &Entry, warnings: Vec<String>) -> Self {
        Self { status, value: entry.value.clone(), revision: Some(entry.modified), warnings, goes: false }
    }

    /// As an answer.
    pub(crate) fn reply(self, renderer: &Renderer) -> Reply {
        let mut json = Vec::with_capacity(self.value.len() + 64);
        match self.revision {
            Some(revision) => renderer.one(&self.value, revision, &mut json),
            None if renderer.view == crate::accept::View::Whole => json.extend_from_slice(&self.value),
            None => renderer.one(&self.value, 0, &mut json),
        }
        Reply { warnings: self.warnings, ..Reply::new(self.status, json) }
    }
}

/// What an update does to an object.
#[derive(Debug)]
pub(crate) enum Edit {
    Replace(Decoded),
    Patch(Patch),
}

/// Creates an object.
pub(crate) async fn create(
    api: &Api,
    served: &ServedKind,
    namespace: &str,
    params: &Params,
    decoded: Decoded,
) -> Result<Written, Failure> {
    let mut draft = Draft::new(served, decoded, params.field_validation)?;
    if !draft.metadata("resourceVersion").is_empty() {
        return Err(Failure::bad_request("resourceVersion should not be set on objects to be created"));
    }
    draft.locate(None, namespace)?;
    draft.strip_for_create(served);
    let snapshot = api.store.read().await?;
    let prefix = draft.metadata("generateName");
    if draft.metadata("name").is_empty() && !prefix.is_empty() {
        // What cannot be a key is refused with all else that is wrong.
        let free = |name: &String| name.contains('/') || snapshot.get(&served.key(namespace, name)).is_none();
        let name = std::iter::repeat_with(|| generated(prefix)).take(NAME_ATTEMPTS).find(free);
        draft.rename(name.ok_or_else(|| Failure::already_exists(served.kind, prefix))?);
    }
    let (mut object, warnings) = draft.admit(served, None)?;
    object.metadata.uid = Uuid::new_v4().to_string();
    object.metadata.creation_timestamp = Some(Timestamp::now());
    object.metadata.generation = 1;
    let name = object.metadata.name.as_str();
    let key = served.key(namespace, name);
    if served.kind.is_namespaced() {
        lifecycle::check_open(&snapshot, served.kind, namespace, name)?;
    }
    if snapshot.get(&key).is_some() {
        return Err(Failure::already_exists(served.kind, name));
    }
    let value = Bytes::from(object.encode().map_err(Failure::internal)?);
    if params.dry_run {
        return Ok(Written { status: StatusCode::CREATED, value, revision: None, warnings, goes: false });
    }
    // First, so that they are what is told of: whether the name is taken matters only in a namespace that is open.
    let mut writes = if served.kind.is_namespaced() { lifecycle::guards(namespace).to_vec() } else { Vec::new() };
    writes.push(Write { key: key.clone(), expect: Expect::Absent, operation: Operation::Put(value.clone()) });
    match api.store.commit(writes).await {
        Ok(committed) => {
            let revision = Some(committed.revision);
            Ok(Written { status: StatusCode::CREATED, value, revision, warnings, goes: false })
        }
        Err(CommitError::Conflict { key: conflicting, .. }) if conflicting == key => {
            Err(Failure::already_exists(served.kind, name))
        }
        Err(CommitError::Conflict { key, .. }) => Err(lifecycle::closed(&key, served.kind, namespace, name)),
        Err(error) => Err(error.into()),
    }
}

/// Replaces or patches an object, or its status.
pub(crate) async fn update(api: &Api, subject: &Subject, params: &Params, change: &Edit) -> Result<Written, Failure> {
    let Subject { served, namespace, name, part } = subject;
    let key = served.key(namespace, name);
    for _ in 0..api.options.patch_attempts.max(1) {
        let snapshot = api.store.read().await?;
        let entry = snapshot.get(&key).ok_or_else(|| Failure::not_found(served.kind, name))?;
        let current = Object::decode(&entry.value).map_err(Failure::internal)?;
        let fields = with_version(entry)?;
        let mut draft = wanted(api, subject, params.field_validation, change, &fields)?;
        // A patch begins with the stored version: applied again, one that names a version finds another.
        let expects = check_preconditions(subject, &draft, entry, &current)? && matches!(change, Edit::Replace(_));
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
        let goes = object.metadata.deletion_timestamp.is_some()
            && object.metadata.finalizers.is_empty()
            && !served.is_namespace;
        if object == current && !goes {
            return Ok(Written::stored(StatusCode::OK, entry, warnings));
        }
        let value = Bytes::from(object.encode().map_err(Failure::internal)?);
        if params.dry_run {
            return Ok(Written {
                status: StatusCode::OK,
                value,
                revision: Some(entry.modified),
                warnings,
                goes: false,
            });
        }
        let operation = if goes { Operation::Delete } else { Operation::Put(value.clone()) };
        let write = Write { key: key.clone(), expect: Expect::Modified(entry.modified), operation };
        match api.store.commit(vec![write]).await {
            Ok(committed) => {
                let goes = object.metadata.deletion_timestamp.is_some();
                let revision = Some(committed.revision);
                return Ok(Written { status: StatusCode::OK, value, revision, warnings, goes });
            }
            Err(CommitError::Conflict { .. }) if expects => return Err(Failure::modified(served.kind, name)),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::modified(served.kind, name))
}

/// What the object is to become, as the client says.
fn wanted(
    api: &Api,
    subject: &Subject,
    validation: FieldValidation,
    change: &Edit,
    current: &Map<String, Value>,
) -> Result<Draft, Failure> {
    let decoded = match change {
        Edit::Replace(decoded) => decoded.clone(),
        Edit::Patch(patch) => {
            let mut value = Value::Object(current.clone());
            patch
                .apply(&mut value, api.options.max_body_bytes)
                .map_err(|error| Failure::patch_failed(subject.served.kind, &subject.name, &error.to_string()))?;
            Decoded { value, duplicates: patch.duplicates().to_vec() }
        }
    };
    let mut draft = Draft::new(&subject.served, decoded, validation)?;
    draft.locate(Some(&subject.name), &subject.namespace)?;
    Ok(draft)
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

/// A stored object as clients see it.
fn with_version(entry: &Entry) -> Result<Map<String, Value>, Failure> {
    let mut json = Vec::with_capacity(entry.value.len() + 64);
    Object::with_resource_version(&entry.value, entry.modified, &mut json);
    serde_json::from_slice(&json).map_err(Failure::internal)
}

fn generated(prefix: &str) -> String {
    let mut name: String = prefix.chars().take(MAX_PREFIX).collect();
    let random = Uuid::new_v4();
    for byte in &random.as_bytes()[..5] {
        name.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    }
    name
}
