//! Following changes.
//!
//! Source: Kubernetes, "Efficient detection of changes". A watch is pulled by its client: one that reads too slowly
//! falls behind the store's history and is told so; it never makes writers wait.

mod follow;
mod websocket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use backstay_resources::{FieldError, FieldPath};
use backstay_store::{Snapshot, WatchError};
use futures::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, header};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::follow::Happened;
use self::follow::Start;
pub(crate) use self::follow::{Follow, Teller};
use self::websocket::Handshake;
use crate::accept::{self, Encoding};
use crate::api::Api;
use crate::path::Collection;
use crate::query::{Params, VersionMatch};
use crate::read::{named, not_older_than, renderer};
use crate::selector::Selection;
use crate::status::Failure;

/// Begins a watch: everything that can be refused is refused before the first byte.
pub(crate) async fn start(
    api: &Api,
    collection: &Collection,
    params: &Params,
    parts: &Parts,
) -> Result<Response, Failure> {
    let form = accept::form(&parts.headers)?;
    if form.encoding != Encoding::Json {
        return Err(Failure::not_acceptable("application/json"));
    }
    let handshake = Handshake::asked(parts)?;
    let follow = follow(api, collection, params, renderer(&collection.served, form.view, params)).await?;
    if let Some(handshake) = handshake {
        return Ok(handshake.accept(follow));
    }
    let lines = follow.into_batches().map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    Ok(response)
}

/// Begins to follow a collection, for whoever tells of it.
pub(crate) async fn follow<T: Teller>(
    api: &Api,
    collection: &Collection,
    params: &Params,
    teller: T,
) -> Result<Follow<T>, Failure> {
    check_options(params)?;
    let meter = &api.options.meter;
    let permit = Arc::clone(&api.watches).try_acquire_owned().map_err(|_| meter.limited("max_watches"))?;
    let watching = meter.watching(permit);
    let served = &collection.served;
    let selection = Selection::parse(served, &params.label_selector, &params.field_selector)?;
    let prefix = served.prefix(collection.namespace.as_deref());
    let (after, initial) = begin(api, params).await?;
    let watch = api.store.watch(prefix.clone(), after).map_err(refusal)?;
    let initial = initial.map_or_else(Vec::new, |snapshot| match named(collection, &selection) {
        Some(key) => snapshot.get(&key).filter(|entry| selection.matches(entry)).map(Arc::clone).into_iter().collect(),
        None => snapshot.list(&prefix).filter(|entry| selection.matches(entry)).map(Arc::clone).collect(),
    });
    Ok(Follow::new(Start {
        watch,
        after,
        initial,
        marks_initial: params.send_initial_events == Some(true),
        selection,
        teller,
        bookmarks: params.allow_bookmarks.then_some(api.options.bookmark_interval),
        deadline: Instant::now() + duration(api, params),
        shutdown: api.shutdown.clone(),
        _watching: watching,
    }))
}

/// The revision to watch from, and the state to tell first, if any.
async fn begin(api: &Api, params: &Params) -> Result<(u64, Option<Snapshot>), Failure> {
    let tells_state = params.send_initial_events.unwrap_or(matches!(params.resource_version, None | Some(0)));
    if tells_state {
        let snapshot = not_older_than(api, params.resource_version).await?;
        return Ok((snapshot.revision(), Some(snapshot)));
    }
    match params.resource_version {
        None | Some(0) => Ok((not_older_than(api, params.resource_version).await?.revision(), None)),
        Some(version) => {
            // In a clustered store this process may have to catch up first.
            if api.store.snapshot().revision() < version {
                let current = api.store.read().await?.revision();
                if current < version {
                    return Err(refusal(WatchError::Future { requested: version, current }));
                }
            }
            Ok((version, None))
        }
    }
}

/// How long it lasts.
fn duration(api: &Api, params: &Params) -> Duration {
    let range = &api.options.watch_timeout;
    match params.timeout.filter(|timeout| !timeout.is_zero()) {
        Some(timeout) => timeout.min(range.end),
        None => {
            let (_, low) = Uuid::new_v4().as_u64_pair();
            let share = f64::from(u32::try_from(low & 0xffff_ffff).unwrap_or_default()) / f64::from(u32::MAX);
            range.start + range.end.saturating_sub(range.start).mul_f64(share)
        }
    }
}

fn refusal(error: WatchError) -> Failure {
    match error {
        WatchError::Compacted { .. } => Failure::expired(error.to_string()),
        // One process writes the store, so that nobody is ahead of it: the version is that of another store, from which this one was made.
        WatchError::Future { requested, current } => {
            Failure::expired(format!("resource version {requested} is of another store: this one is at {current}"))
        }
        WatchError::Closed => Failure::unavailable(error.to_string()),
    }
}

/// Refuses combinations that Kubernetes refuses: a client that asks for the state to be told first must never wait for it
/// in vain.
fn check_options(params: &Params) -> Result<(), Failure> {
    let mut errors = Vec::new();
    let mut forbid = |field: &str, why: &str| errors.push(FieldError::forbidden(FieldPath::new(field), why));
    match (params.send_initial_events, params.version_match) {
        (Some(_), Some(VersionMatch::NotOlderThan)) | (None, None) => {}
        (Some(_), _) => {
            forbid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        (None, Some(_)) => forbid(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    }
    if params.next.is_some() {
        forbid("continue", "continue is forbidden for watch");
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure::invalid_options("ListOptions", &errors)) }
}
