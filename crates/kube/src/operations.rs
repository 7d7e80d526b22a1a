//! What is done with objects, in whichever dialect it is asked for.
//!
//! The handlers of REST come here once they have read a request, and another dialect by way of [`Operations`]: what is admitted,
//! stored, bounded and counted is the same, and there is no second path to the store.

mod doing;
mod listing;
mod notices;
mod options;
mod receiving;

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use backstay_auth::Caller;
use backstay_resources::Registry;
use backstay_resources::decode::Decoded;
use backstay_store::{Entry, Store};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) use self::doing::{create, remove, remove_collection, to_end, update};
pub use self::listing::{Direction, Listed, Listing, Order, SortBy};
pub use self::notices::Notice;
use self::notices::Notices;
pub use self::options::{Deletion, Following, PatchFormat, Writing};
pub use self::receiving::{Bounded, Share};
use crate::accept::View;
use crate::api::Api;
use crate::delete::Deleted;
use crate::options::Options;
use crate::patch;
use crate::path::{Collection, Part, Subject, is_name};
use crate::query::{Params, check_patch};
use crate::read;
use crate::served::ServedKind;
use crate::status::Failure;
use crate::view::Renderer;
use crate::watching;
use crate::write::{Edit, Masked, Written};

/// An object as it is stored, without `metadata.resourceVersion`.
#[derive(Debug, Clone)]
pub struct Stored {
    /// JSON. What may not be read is in it: [`Operations::json`] leaves that out.
    pub value: Bytes,
    /// The revision of its last change; 0 of what has not been stored.
    pub revision: u64,
    /// What of it will hardly do what it seems to be for, after a write.
    pub warnings: Vec<String>,
}

impl Stored {
    fn of(entry: &Entry) -> Self {
        Self { value: entry.value.to_bytes(), revision: entry.modified, warnings: Vec::new() }
    }

    fn written(written: Written) -> Self {
        let Written { value, revision, warnings, .. } = written;
        Self { value, revision: revision.unwrap_or_default(), warnings }
    }
}

/// The objects of one API, for other dialects than REST.
#[derive(Debug, Clone)]
pub struct Operations {
    api: Arc<Api>,
    /// Whose requests these are, if that is known: fair shares are theirs, and what a write turns out to be besides is asked of them.
    caller: Option<Caller>,
}

impl Operations {
    /// The kinds of `registry` in `store`. Watches end when `shutdown` becomes true.
    pub fn new(store: Arc<dyn Store>, registry: &Registry, options: Options, shutdown: watch::Receiver<bool>) -> Self {
        Self { api: Arc::new(Api::new(store, registry, options, shutdown)), caller: None }
    }

    /// The same for the requests of somebody. Whether they may do what they ask for is looked at before.
    #[must_use]
    pub fn by(&self, caller: Option<&Caller>) -> Self {
        Self { api: Arc::clone(&self.api), caller: caller.cloned() }
    }

    /// What all requests share.
    pub(crate) fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api)
    }

    /// The limits that hold, and where is counted.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.api.options
    }

    /// The body of a request, bounded as one of REST is, and what it takes of the room of all, to be held while it is served.
    /// `framing` is how many bytes there may be beside what is limited.
    #[must_use]
    pub fn receive(&self, body: Body, framing: usize) -> (Bounded, Arc<Share>) {
        Bounded::new(&self.api, body, framing)
    }

    /// Room for a watch of what is not stored, until it is dropped.
    ///
    /// # Errors
    /// 429 when there are as many watches as there may be.
    pub fn hold_watch(&self) -> Result<impl Send + Sync + use<>, Failure> {
        let meter = &self.api.options.meter;
        let permit = Arc::clone(&self.api.watches).try_acquire_owned().map_err(|_| meter.limited("max_watches"))?;
        Ok(meter.watching(permit))
    }

    /// The kinds that are served, each in every version.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<ServedKind>> {
        self.api.kinds.iter()
    }

    /// A kind by its `apiVersion`, and its name or its plural.
    #[must_use]
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<Arc<ServedKind>> {
        let mut kinds = self.kinds();
        let found = kinds.find(|served| {
            served.api_version == api_version && (served.kind.kind == kind || served.kind.plural == kind)
        });
        found.map(Arc::clone)
    }

    /// An object, or its status alone. `None` where there cannot be any of that name.
    #[must_use]
    pub fn subject(served: &Arc<ServedKind>, namespace: &str, name: &str, part: Part) -> Option<Subject> {
        let sound = is_name(name) && is_name(namespace) == served.kind.is_namespaced();
        let sound = sound && (part == Part::Whole || served.kind.has_status);
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        sound.then(|| Subject { served: Arc::clone(served), namespace, name, part })
    }

    /// Objects of a kind, of one namespace or, with an empty one, of all. `None` where the kind is in no namespace.
    #[must_use]
    pub fn collection(served: &Arc<ServedKind>, namespace: &str) -> Option<Collection> {
        let namespace = match (served.kind.is_namespaced(), namespace) {
            (true, "") => None,
            (true, namespace) if is_name(namespace) => Some(namespace.to_owned()),
            (false, "") => Some(String::new()),
            _ => return None,
        };
        Some(Collection { served: Arc::clone(served), namespace })
    }

    /// An object as REST tells it: with its version, and without what may not be read.
    #[must_use]
    pub fn json(&self, served: &Arc<ServedKind>, value: &[u8], revision: u64) -> Vec<u8> {
        let renderer = Renderer { served: Arc::clone(served), view: View::Whole, include: Default::default() };
        let mut json = Vec::with_capacity(value.len() + 64);
        match revision {
            0 => renderer.unstored(value, &mut json),
            revision => renderer.one(value, revision, &mut json),
        }
        json
    }

    /// One object.
    ///
    /// # Errors
    /// [`Failure`] says what is wrong, here and everywhere below.
    pub async fn get(&self, subject: &Subject) -> Result<Stored, Failure> {
        Ok(Stored::of(&*self.entry(subject).await?))
    }

    /// The same as it is in the store: another one after each change.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn entry(&self, subject: &Subject) -> Result<Arc<Entry>, Failure> {
        let Subject { served, namespace, name, .. } = subject;
        let params = Params::default();
        self.reading(served, read::find(self.api.of(served), served, &params, namespace, name)).await
    }

    /// A page of a collection.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn list(&self, collection: &Collection, listing: &Listing) -> Result<Listed, Failure> {
        let api = self.api.of(&collection.served);
        self.reading(&collection.served, listing::read(api, collection, listing)).await
    }

    /// Makes an object of JSON.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn create(
        &self,
        collection: &Collection,
        object: Decoded,
        writing: &Writing<'_>,
    ) -> Result<Stored, Failure> {
        let served = &collection.served;
        let work = async {
            let params = writing.params()?;
            let _share = self.mutating().await?;
            let namespace = collection.namespace.as_deref().ok_or_else(Failure::method_not_allowed)?;
            create(self.api.of(served), served, namespace, &params, object).await
        };
        self.counted(&Method::POST, StatusCode::CREATED, served, work).await.map(Stored::written)
    }

    /// Replaces an object, or its status.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn replace(&self, subject: Subject, object: Decoded, writing: &Writing<'_>) -> Result<Stored, Failure> {
        self.edit(Method::PUT, subject, writing, |_, _, _| Ok(Edit::Replace(object))).await
    }

    /// Replaces fields of an object, or of its status: those at `paths`, by what `object` has there. `version` is what the object's
    /// version must be.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn update(
        &self,
        subject: Subject,
        object: Map<String, Value>,
        paths: Vec<Vec<String>>,
        version: Option<u64>,
        writing: &Writing<'_>,
    ) -> Result<Stored, Failure> {
        let masked = Masked { fields: object, paths, version };
        self.edit(Method::PUT, subject, writing, |_, _, _| Ok(Edit::Masked(masked))).await
    }

    /// Applies what a manager wants of an object.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn apply(
        &self,
        subject: Subject,
        object: Map<String, Value>,
        force: bool,
        writing: &Writing<'_>,
    ) -> Result<Stored, Failure> {
        let writing = Writing { force: Some(force), ..*writing };
        let edit = |_: &Api, _: &Subject, params: &Params| {
            check_patch(params, true)?;
            Ok(Edit::apply(object))
        };
        self.edit(Method::PATCH, subject, &writing, edit).await
    }

    /// Changes an object by a patch.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn patch(
        &self,
        subject: Subject,
        format: PatchFormat,
        bytes: &[u8],
        writing: &Writing<'_>,
    ) -> Result<Stored, Failure> {
        let edit = |api: &Api, subject: &Subject, _: &Params| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
            let patch = patch::Patch::parse(subject.served.kind, &headers, bytes, api.options.max_patch_operations)?;
            Ok(Edit::Patch(patch))
        };
        self.edit(Method::PATCH, subject, writing, edit).await
    }

    /// Deletes an object. What is returned is the object while it waits for its finalizers.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn delete(&self, subject: Subject, deletion: &Deletion) -> Result<Option<Stored>, Failure> {
        let served = Arc::clone(&subject.served);
        let (operations, options) = (self.clone(), deletion.options());
        let work = to_end(async move {
            let _share = operations.mutating().await?;
            remove(operations.api.of(&subject.served), &subject, &options).await
        });
        let deleted = self.counted(&Method::DELETE, StatusCode::OK, &served, work).await?;
        Ok(match deleted {
            Deleted::Gone { .. } => None,
            Deleted::Waits { value, revision } => Some(Stored { value, revision, warnings: Vec::new() }),
        })
    }

    /// Deletes the objects of a collection that selectors name, and returns them as they were.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn delete_collection(
        &self,
        collection: Collection,
        labels: &str,
        fields: &str,
        deletion: &Deletion,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let served = Arc::clone(&collection.served);
        let (operations, options) = (self.clone(), deletion.options());
        let params =
            Params { label_selector: labels.to_owned(), field_selector: fields.to_owned(), ..Params::default() };
        let work = to_end(async move {
            let _share = operations.mutating().await?;
            remove_collection(operations.api.of(&collection.served), &collection, &params, &options).await
        });
        Ok(self.counted(&Method::DELETE, StatusCode::OK, &served, work).await?.entries)
    }

    /// Follows a collection: everything that can be refused is refused before the first notice. The last may be why it ends.
    ///
    /// # Errors
    /// As of [`Operations::get`].
    pub async fn watch(
        &self,
        collection: &Collection,
        following: &Following,
    ) -> Result<impl Stream<Item = Result<Notice, Failure>> + Send + use<>, Failure> {
        let params = following.params();
        let begun = watching::follow(self.api.of(&collection.served), collection, &params, Notices);
        let follow = self.counted(&Method::GET, StatusCode::OK, &collection.served, begun).await?;
        Ok(follow.into_batches().flat_map(futures::stream::iter))
    }

    async fn reading<T>(
        &self,
        served: &ServedKind,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let work = async {
            let _share = self.api.options.meter.admit(&self.api.reading, "max_reading", self.user()).await?;
            work.await
        };
        self.counted(&Method::GET, StatusCode::OK, served, work).await
    }

    async fn mutating(&self) -> Result<backstay_auth::shares::Share<'_>, Failure> {
        self.api.options.meter.admit(&self.api.mutating, "max_mutating", self.user()).await
    }

    fn user(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| &caller.user.name)
    }

    async fn edit(
        &self,
        method: Method,
        subject: Subject,
        writing: &Writing<'_>,
        edit: impl FnOnce(&Api, &Subject, &Params) -> Result<Edit, Failure>,
    ) -> Result<Stored, Failure> {
        let served = Arc::clone(&subject.served);
        let work = async {
            let params = Params { caller: self.caller.clone(), ..writing.params()? };
            let edit = edit(&self.api, &subject, &params)?;
            let operations = self.clone();
            to_end(async move {
                let _share = operations.mutating().await?;
                update(operations.api.of(&subject.served), &subject, &params, &edit).await
            })
            .await
        };
        self.counted(&method, StatusCode::OK, &served, work).await.map(Stored::written)
    }

    /// Bounds the time of a request, and counts it as the one of REST that does the same.
    async fn counted<T>(
        &self,
        method: &Method,
        success: StatusCode,
        served: &ServedKind,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Options { request_timeout, meter, .. } = &self.api.options;
        let outcome = timeout(*request_timeout, work).await.unwrap_or_else(|_| Err(Failure::timeout()));
        let code = outcome.as_ref().map_or_else(Failure::code, |_| success);
        meter.answered(method, &served.resource, code);
        outcome
    }
}
