//! What is done, for handlers of REST and for [`Operations`](super::Operations).

use std::future::Future;

use backstay_resources::Verb;
use backstay_resources::decode::Decoded;
use backstay_store::origin;

use crate::api::Api;
use crate::delete::{self, Deleted, Options as DeleteOptions};
use crate::namespace;
use crate::path::{Collection, Subject};
use crate::query::Params;
use crate::read::Page;
use crate::served::ServedKind;
use crate::status::Failure;
use crate::write::{self, Edit, Written};

/// Makes an object.
pub(crate) async fn create(
    api: &Api,
    served: &ServedKind,
    namespace: &str,
    params: &Params,
    decoded: Decoded,
) -> Result<Written, Failure> {
    allow(served, Verb::Create)?;
    write::create(api, served, namespace, params, decoded).await
}

/// Changes an object, and goes on with the deletion of its namespace where it was the last that held that up.
pub(crate) async fn update(api: &Api, subject: &Subject, params: &Params, edit: &Edit) -> Result<Written, Failure> {
    let verb = if matches!(edit, Edit::Replace(_) | Edit::Masked(_)) { Verb::Update } else { Verb::Patch };
    allow(&subject.served, verb)?;
    let written = write::update(api, subject, params, edit).await?;
    if written.goes {
        namespace::settle_around(api, &subject.served, &subject.namespace, &subject.name).await;
    }
    Ok(written)
}

/// Deletes an object, and of a namespace what is in it.
pub(crate) async fn remove(api: &Api, subject: &Subject, options: &DeleteOptions) -> Result<Deleted, Failure> {
    let Subject { served, namespace, name, .. } = subject;
    allow(served, Verb::Delete)?;
    if served.is_namespace {
        return namespace::delete(api, served, name, options).await;
    }
    let deleted = delete::remove(api, served, namespace, name, options).await?;
    if !options.is_dry_run() {
        namespace::settle_around(api, served, namespace, name).await;
    }
    Ok(deleted)
}

/// Deletes the objects of a collection that are selected, and returns them as they were.
pub(crate) async fn remove_collection(
    api: &Api,
    collection: &Collection,
    params: &Params,
    options: &DeleteOptions,
) -> Result<Page, Failure> {
    allow(&collection.served, Verb::DeleteCollection)?;
    let Some(namespace) = &collection.namespace else { return Err(Failure::method_not_allowed()) };
    let page = delete::collection(api, params, collection, options).await?;
    if !options.is_dry_run() {
        namespace::settle_around(api, &collection.served, namespace, "").await;
    }
    Ok(page)
}

fn allow(served: &ServedKind, verb: Verb) -> Result<(), Failure> {
    if served.kind.verbs.contains(&verb) { Ok(()) } else { Err(Failure::method_not_allowed()) }
}

/// What changes objects that are there is done to its end, also when its client does not wait for the answer.
pub(crate) async fn to_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    // Where its commits come from is known of the task that asks.
    tokio::spawn(origin::carry(work)).await.unwrap_or_else(|error| Err(Failure::internal(error)))
}
