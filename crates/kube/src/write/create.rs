//! New objects.

use backstay_resources::decode::Decoded;
use backstay_resources::{Object, Timestamp};
use backstay_store::{CommitError, Expect, Operation, Snapshot, Write};
use bytes::Bytes;
use http::StatusCode;
use uuid::Uuid;

use super::{Written, writer};
use crate::admission::{Draft, check_size};
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
    // Of what is not stored, nobody finds out whether this is the newest view.
    let snapshot = if params.dry_run { api.store.read().await? } else { api.store.snapshot() };
    let prefix = draft.metadata("generateName");
    if draft.metadata("name").is_empty() && !prefix.is_empty() {
        // What cannot be a key is refused with all else that is wrong.
        let free = |name: &String| name.contains('/') || snapshot.get(&served.key(namespace, name)).is_none();
        let name = std::iter::repeat_with(|| generated(prefix)).take(NAME_ATTEMPTS).find(free);
        draft.rename(name.ok_or_else(|| Failure::already_exists(served.kind, prefix))?);
    }
    let (mut object, warnings) = draft.admit(served, None)?;
    ownership::record_from(served.kind, None, &mut object, &claim, &writer(params, Part::Whole));
    check_size(api, None, &object)?;
    store(api, served, &snapshot, object, params.dry_run).await.map(|written| Written { warnings, ..written })
}

/// Stores a new object, in a namespace that is open. The snapshot may be older than what others have stored: it is enough to go ahead, since
/// the commit finds out whether what it says still holds; what is refused is refused by the newest.
pub(super) async fn store(
    api: &Api,
    served: &ServedKind,
    snapshot: &Snapshot,
    mut object: Object,
    dry_run: bool,
) -> Result<Written, Failure> {
    object.metadata.uid = Uuid::new_v4().to_string();
    object.metadata.creation_timestamp = Some(Timestamp::now());
    object.metadata.generation = 1;
    let (namespace, name) = (object.metadata.namespace.clone(), object.metadata.name.clone());
    let (namespace, name) = (namespace.as_str(), name.as_str());
    let key = served.key(namespace, name);
    if let Some(namespaces) = api.namespaces.as_ref().filter(|_| served.kind.is_namespaced()) {
        lifecycle::check_open(&namespaces.read().await?, served.kind, namespace, name)?;
    }
    let guarded = served.kind.is_namespaced() && api.namespaces.is_none();
    let check =
        |snapshot: &Snapshot| match guarded.then(|| lifecycle::check_open(snapshot, served.kind, namespace, name)) {
            Some(Err(closed)) => Err(closed),
            _ if snapshot.get(&key).is_some() => Err(Failure::already_exists(served.kind, name)),
            _ => Ok(()),
        };
    if check(snapshot).is_err() {
        check(&api.store.read().await?)?;
    }
    served.to_stored(&mut object);
    let value = Bytes::from(object.encode().map_err(Failure::internal)?);
    let created = |revision| Written {
        status: StatusCode::CREATED,
        value: value.clone(),
        revision,
        warnings: Vec::new(),
        goes: false,
    };
    if dry_run {
        return Ok(created(None));
    }
    // First, so that they are what is told of: whether the name is taken matters only in a namespace that is open.
    let mut writes = if guarded { lifecycle::guards(namespace).to_vec() } else { Vec::new() };
    writes.push(Write { key: key.clone(), expect: Expect::Absent, operation: Operation::Put(value.clone()) });
    match api.store.commit(writes).await {
        Ok(committed) => Ok(created(Some(committed.revision))),
        Err(CommitError::Conflict { key: conflicting, .. }) if conflicting == key => {
            Err(Failure::already_exists(served.kind, name))
        }
        Err(CommitError::Conflict { key, .. }) => Err(lifecycle::closed(&key, served.kind, namespace, name)),
        Err(error) => Err(error.into()),
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
