//! Get and list.

use std::sync::Arc;

use backstay_resources::{FieldError, FieldPath};
use backstay_store::{Entry, Key, Snapshot};
use http::StatusCode;
use jiff::Timestamp;

use crate::accept::View;
use crate::api::Api;
use crate::page::Token;
use crate::path::Collection;
use crate::query::{Params, VersionMatch};
use crate::respond::{Json, Reply};
use crate::selector::Selection;
use crate::served::ServedKind;
use crate::status::Failure;
use crate::view::{ListMeta, Renderer};

/// About how much of a list is made at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many objects after a page are counted at least, if there are so many: a page costs its size, whatever the store holds.
const COUNTED: usize = 1000;

/// One object.
pub(crate) async fn get(
    api: &Api,
    renderer: &Renderer,
    params: &Params,
    namespace: &str,
    name: &str,
) -> Result<Reply, Failure> {
    let entry = find(api, &renderer.served, params, namespace, name).await?;
    let mut json = Vec::with_capacity(entry.value.len() + 64);
    renderer.stored(&entry.value, entry.modified, &mut json);
    Ok(Reply::new(StatusCode::OK, json))
}

/// One object as it is stored.
pub(crate) async fn find(
    api: &Api,
    served: &ServedKind,
    params: &Params,
    namespace: &str,
    name: &str,
) -> Result<Arc<Entry>, Failure> {
    let snapshot = not_older_than(api, params.resource_version).await?;
    let entry = snapshot.get(&served.key(namespace, name));
    entry.map(Arc::clone).ok_or_else(|| Failure::not_found(served.kind, name))
}

/// The objects of a collection, or a page of them.
pub(crate) async fn list(
    api: &Api,
    renderer: Renderer,
    params: &Params,
    collection: &Collection,
) -> Result<Reply, Failure> {
    Ok(page(api, params, collection).await?.reply(renderer))
}

/// The objects of a collection that a query selects, or a page of them.
pub(crate) struct Page {
    /// What was asked for.
    pub(crate) selection: Selection,
    /// What there is of it.
    pub(crate) entries: Vec<Arc<Entry>>,
    /// What the answer says of itself.
    pub(crate) meta: ListMeta,
    /// Roughly, of the answer, in bytes.
    pub(crate) size: usize,
}

impl Page {
    /// As an answer.
    pub(crate) fn reply(self, renderer: Renderer) -> Reply {
        let Self { entries, meta, size, .. } = self;
        let chunks = Box::new(ListChunks::new(renderer, meta, entries));
        Reply { status: StatusCode::OK, json: Json::Chunks { chunks, size }, warnings: Vec::new() }
    }
}

/// Reads what a query selects.
pub(crate) async fn page(api: &Api, params: &Params, collection: &Collection) -> Result<Page, Failure> {
    check_options(params)?;
    let served = &collection.served;
    let selection = Selection::parse(served, &params.label_selector, &params.field_selector)?;
    let prefix = served.prefix(collection.namespace.as_deref());
    let (snapshot, after) = match &params.next {
        Some(text) => {
            let (token, after) = Token::parse(text, &prefix)?;
            (continued(api, &token).await?, Some(after))
        }
        None => (begin(api, params).await?, None),
    };
    let limit = if params.limit == 0 { usize::MAX } else { params.limit };
    let mut page: Vec<Arc<Entry>> = Vec::new();
    let mut size = 0;
    let mut remaining = None;
    let more = {
        let named = named(collection, &selection);
        let all: Box<dyn Iterator<Item = &Arc<Entry>> + Send> = match (&named, after) {
            (Some(key), after) => Box::new(
                snapshot
                    .get(key)
                    .into_iter()
                    .filter(move |entry| after.as_ref().is_none_or(|after| entry.key > *after)),
            ),
            (None, Some(after)) => Box::new(snapshot.list_after(&prefix, after)),
            (None, None) => Box::new(snapshot.list(&prefix)),
        };
        let mut matching = all.filter(|entry| selection.is_empty() || selection.matches(entry));
        page.extend(matching.by_ref().take(limit).map(Arc::clone));
        size += page.iter().map(|entry| entry.value.len() + 64).sum::<usize>();
        let more = limit != usize::MAX && matching.next().is_some();
        if more && selection.is_empty() {
            // Kubernetes leaves a server free not to say it, and no client needs it.
            let most = limit.max(COUNTED);
            remaining = Some(matching.take(most).count() + 1).filter(|counted| *counted <= most);
        }
        more
    };
    let next = page.last().filter(|_| more).map(|last| Token::new(snapshot.revision(), &last.key).encode());
    let meta = ListMeta { revision: snapshot.revision(), next, remaining };
    Ok(Page { selection, entries: page, meta, size })
}

/// The one object that a selection of a collection can be of: `kubectl wait` and `kubectl get NAME --watch` ask so, and cost no look at
/// all the others.
pub(crate) fn named(collection: &Collection, selection: &Selection) -> Option<Key> {
    let name = selection.name().filter(|name| !name.contains('/'))?;
    Some(collection.served.key(collection.namespace.as_deref()?, name))
}

/// A list, made as it is read.
pub(crate) struct ListChunks {
    renderer: Renderer,
    head: Option<ListMeta>,
    entries: std::vec::IntoIter<Arc<Entry>>,
    first: bool,
    finished: bool,
    now: Timestamp,
}

impl ListChunks {
    pub(crate) fn new(renderer: Renderer, meta: ListMeta, entries: Vec<Arc<Entry>>) -> Self {
        let entries = entries.into_iter();
        Self { renderer, head: Some(meta), entries, first: true, finished: false, now: Timestamp::now() }
    }
}

impl Iterator for ListChunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.finished {
            return None;
        }
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        if let Some(meta) = self.head.take() {
            self.renderer.list_head(&meta, &mut chunk);
        }
        while chunk.len() < CHUNK_BYTES {
            let Some(entry) = self.entries.next() else {
                self.renderer.list_tail(&mut chunk);
                self.finished = true;
                break;
            };
            if !std::mem::take(&mut self.first) {
                chunk.push(b',');
            }
            self.renderer.stored_item(&entry.value, entry.modified, self.now, &mut chunk);
        }
        Some(chunk)
    }
}

/// Refuses combinations that Kubernetes refuses.
fn check_options(params: &Params) -> Result<(), Failure> {
    let forbidden = |field: &str, why: &str| {
        Err(Failure::invalid_options("ListOptions", &[FieldError::forbidden(FieldPath::new(field), why)]))
    };
    if params.send_initial_events.is_some() {
        return forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if params.next.is_some() {
        if params.version_match.is_some() {
            return forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
        }
        if params.resource_version.is_some_and(|version| version != 0) {
            return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
        }
    }
    match (params.version_match, params.resource_version) {
        (Some(_), None) => {
            forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
        }
        (Some(VersionMatch::Exact), Some(0)) => {
            forbidden("resourceVersionMatch", "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
        }
        _ => Ok(()),
    }
}

/// The state that a list begins with.
async fn begin(api: &Api, params: &Params) -> Result<Snapshot, Failure> {
    match (params.resource_version, params.version_match) {
        (Some(version), Some(VersionMatch::Exact)) => Ok(api.store.snapshot_at(version)?),
        // Older clients page through the state at a version without saying so.
        (Some(version), None) if version != 0 && params.limit != 0 => {
            not_older_than(api, Some(version)).await?;
            Ok(api.store.snapshot_at(version)?)
        }
        (version, _) => not_older_than(api, version).await,
    }
}

/// The state that a list goes on with.
async fn continued(api: &Api, token: &Token) -> Result<Snapshot, Failure> {
    if token.revision == 0 {
        return Ok(api.store.read().await?);
    }
    api.store.snapshot_at(token.revision).map_err(|error| match error {
        backstay_store::ReadError::Compacted { .. } => Failure::expired(
            "The provided continue parameter is too old to display a consistent list result. Start a new list without \
             the continue parameter, or use the continue token in this response to retrieve the remainder of the \
             results, which is inconsistent: objects that changed since the first page may be missing or repeated.",
        )
        .with_continue(token.inconsistent()),
        other => other.into(),
    })
}

/// The newest state if no version is asked for, any for 0, and else one that is not older.
pub(crate) async fn not_older_than(api: &Api, version: Option<u64>) -> Result<Snapshot, Failure> {
    let Some(version) = version else {
        return Ok(api.store.read().await?);
    };
    let snapshot = api.store.snapshot();
    if snapshot.revision() >= version {
        return Ok(snapshot);
    }
    let snapshot = api.store.read().await?;
    if snapshot.revision() >= version {
        return Ok(snapshot);
    }
    Err(Failure::future_version(version, snapshot.revision()))
}

/// How to tell objects of a kind to the client.
pub(crate) fn renderer(served: &Arc<ServedKind>, view: View, params: &Params) -> Renderer {
    Renderer { served: Arc::clone(served), view, include: params.include_object }
}
