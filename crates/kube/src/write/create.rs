//! New objects.

use backstay_resources::decode::Decoded;
use backstay_resources::{Object, Timestamp};
use backstay_store::{CommitError, Expect, Key, Operation, Snapshot, Write};
use bytes::Bytes;
use http::StatusCode;
use uuid::Uuid;

use super::{Written, writer};
use crate::admission::{Draft, check_size};
use crate::ahead::{Attempt, Looks, ahead};
use crate::api::Api;
use crate::lifecycle;
use crate::ownership;
use crate::path::Part;
use crate::query::Params;
use crate::served::ServedKind;
use crate::status::Failure;

/// Characters of generated names: no vowels, nothing that is easily confused.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Names that are tried before a generated name is given up.
const NAME_ATTEMPTS: usize = 8;
/// The longest prefix that leaves room for what is generated in a name of 63 characters.
const MAX_PREFIX: usize = 58;

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
    let claim = draft.take_claim();
    draft.strip_for_create(served);
    let prefix = draft.metadata("generateName");
    if draft.metadata("name").is_empty() && !prefix.is_empty() {
        let snapshot = api.store.snapshot();
        // What cannot be a key is refused with all else that is wrong.
        let free = |name: &String| name.contains('/') || snapshot.get(&served.key(namespace, name)).is_none();
        let name = std::iter::repeat_with(|| generated(prefix)).take(NAME_ATTEMPTS).find(free);
        draft.rename(name.ok_or_else(|| Failure::already_exists(served.kind, prefix))?);
    }
    let (mut object, warnings) = draft.admit(served, None)?;
    ownership::record_from(served.kind, None, &mut object, &claim, &writer(params, Part::Whole));
    check_size(api, None, &object)?;
    let new = New::of(api, served, object, params.dry_run).await?;
    let new = &new;
    // What is refused of an older view is looked at once more.
    let stored =
        ahead(&*api.store, new.looks(), 2, |snapshot: Snapshot| async move { new.store(api, &snapshot).await }).await?;
    let written = stored.ok_or_else(|| Failure::already_exists(served.kind, &new.name))?;
    Ok(Written { warnings, ..written })
}

/// A new object, which is to be stored in a namespace that is open.
pub(super) struct New<'a> {
    served: &'a ServedKind,
    key: Key,
    namespace: String,
    name: String,
    value: Bytes,
    /// Whether its commit looks at its namespace.
    guarded: bool,
    dry_run: bool,
}

impl<'a> New<'a> {
    pub(super) async fn of(
        api: &Api,
        served: &'a ServedKind,
        mut object: Object,
        dry_run: bool,
    ) -> Result<Self, Failure> {
        object.metadata.uid = Uuid::new_v4().to_string();
        object.metadata.creation_timestamp = Some(Timestamp::now());
        object.metadata.generation = 1;
        let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
        if let Some(namespaces) = api.namespaces.as_ref().filter(|_| served.kind.is_namespaced()) {
            lifecycle::check_open(&namespaces.read().await?, served.kind, &namespace, &name)?;
        }
        served.to_stored(&mut object);
        let value = Bytes::from(object.encode().map_err(Failure::internal)?);
        let key = served.key(&namespace, &name);
        let guarded = served.kind.is_namespaced() && api.namespaces.is_none();
        Ok(Self { served, key, namespace, name, value, guarded, dry_run })
    }

    /// What [`New::store`] looks at.
    pub(super) fn looks(&self) -> Looks<'_> {
        Looks { key: &self.key, namespace: self.guarded.then_some(self.namespace.as_str()) }
    }

    /// Stores it, if the snapshot lets it, which may be older than what others have stored: the commit finds out whether what it says
    /// still holds.
    pub(super) async fn store(&self, api: &Api, snapshot: &Snapshot) -> Result<Attempt<Written>, Failure> {
        let Self { served, key, namespace, name, .. } = self;
        if self.guarded {
            lifecycle::check_open(snapshot, served.kind, namespace, name)?;
        }
        if snapshot.get(key).is_some() {
            return Err(Failure::already_exists(served.kind, name));
        }
        if self.dry_run {
            return Ok(Attempt::Seen(self.created(None)));
        }
        // First, so that they are what is told of: whether the name is taken matters only in a namespace that is open.
        let mut writes = if self.guarded { lifecycle::guards(namespace).to_vec() } else { Vec::new() };
        let operation = Operation::Put(self.value.clone());
        writes.push(Write { key: key.clone(), expect: Expect::Absent, operation });
        Ok(match api.store.commit(writes).await {
            Ok(committed) => Attempt::Done(self.created(Some(committed.revision))),
            Err(CommitError::Conflict { key: conflicting, .. }) if conflicting == *key => {
                Attempt::Failed(Failure::already_exists(served.kind, name))
            }
            Err(CommitError::Conflict { key, .. }) => {
                Attempt::Failed(lifecycle::closed(&key, served.kind, namespace, name))
            }
            Err(error) => Attempt::Failed(error.into()),
        })
    }

    fn created(&self, revision: Option<u64>) -> Written {
        let value = self.value.clone();
        Written { status: StatusCode::CREATED, value, revision, warnings: Vec::new(), goes: false }
    }
}

fn generated(prefix: &str) -> String {
    let mut name: String = prefix.chars().take(MAX_PREFIX).collect();
    let random = Uuid::new_v4();
    for byte in &random.as_bytes()[..5] {
        name.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    }
    name
}
