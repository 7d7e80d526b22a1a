//! The Kubernetes-style REST dialect: what unmodified Kubernetes clients need of an API server, over any
//! [`backstay_store::Store`] and the kinds of a [`backstay_resources::Registry`].
//!
//! A request takes these steps, one module each: the path says what is meant (`path`), the query how (`query`), the
//! `Accept` header in which form the answer is wanted (`accept`). Reads answer stored bytes with the resource version
//! spliced in, without decoding them. Writes decode, admit, compare and swap. Whatever goes wrong is a `Status`.
//!
//! # Layout
//!
//! - [`options`]: every limit and interval.
//! - `served`: the kinds. `api`: what all requests share; `dispatch`: from a request to its answer; `metering`: what is
//!   counted.
//! - [`operations`]: what is done with objects, by REST and by whichever other dialect.
//! - `path`, `query`, `accept`, `body`: reading requests; `request_info`: what they are about, for whoever allows them. `status`, `respond`: writing answers.
//! - `read`, `page`, `selector`: get and list. `view`: the forms of answers.
//! - `watching`: following changes.
//! - `write`, `patch`, `delete`, `admission`: changing objects; [`ownership`]: who set which field, and server-side apply. `lifecycle`: which namespaces are open, for whoever creates;
//!   `namespace`: deleting one with what is in it. `ahead`: on an older view first. [`bootstrap()`]: making a store ready.
//! - [`events`]: what happened to objects, in memory: kept, and told by whoever serves them.
//! - `garbage`: what belongs to objects that are gone. `service`: the one kind that is only listed.
//! - `discovery`, `openapi`: what is served, for clients that ask. `access_review`: what they may do.
//! - `protobuf`: bodies of clients that send nothing else.

mod accept;
mod access_review;
mod admission;
mod ahead;
mod api;
mod body;
mod bootstrap;
mod delete;
mod discovery;
mod dispatch;
pub mod events;
mod garbage;
mod lifecycle;
mod metering;
mod namespace;
mod openapi;
pub mod operations;
pub mod options;
pub mod ownership;
mod page;
mod patch;
mod path;
mod protobuf;
mod query;
mod read;
mod request_info;
mod respond;
mod selector;
mod served;
mod service;
mod status;
mod view;
mod watching;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use backstay_auth::{Attributes, User};
use backstay_resources::Registry;
use backstay_store::Store;
use http::StatusCode;
use tokio::sync::watch;

pub use self::bootstrap::{BootstrapError, bootstrap};
pub use self::delete::Propagation;
pub use self::events::Events;
pub use self::garbage::collect_garbage;
pub use self::metering::Meter;
pub use self::operations::Operations;
pub use self::options::Options;
pub use self::path::{Collection, Part, Subject};
pub use self::request_info::attributes;
pub use self::served::ServedKind;
pub use self::status::{About, Cause, Failure};
pub use self::watching::Happened;

/// Serves the kinds of `registry` in this dialect. Every path is answered, unknown ones with a 404 `Status`: give it to an outer router as its
/// fallback service. Watches end when `shutdown` becomes true.
pub fn router(store: Arc<dyn Store>, registry: &Registry, options: Options, shutdown: watch::Receiver<bool>) -> Router {
    rest(&Operations::new(store, registry, options, shutdown))
}

/// The same, of operations that another dialect goes through as well.
pub fn rest(operations: &Operations) -> Router {
    Router::new().fallback(dispatch::handle).with_state(operations.api())
}

/// A refusal in the words of this dialect, by whatever stands before it: a `Status` with this code, 400, 403 or 415.
pub fn refused(code: StatusCode, message: impl Into<String>) -> Response {
    Failure::refused(code, message).into_response()
}

/// 401 as this dialect says it.
pub fn unauthorized() -> Response {
    Failure::unauthorized().into_response()
}

/// 403 as this dialect says it: what a user may not do, and why if there is more to say.
pub fn denied(user: &User, asked: &Attributes<'_>, reason: &str) -> Response {
    Failure::denied(user, asked, reason).into_response()
}

/// 429 as this dialect says it, with the seconds after which to come again.
pub fn come_again(message: impl Into<String>, seconds: u32) -> Response {
    Failure::come_again(message, seconds).into_response()
}

/// 405 as this dialect says it, for what is served beside it.
pub fn method_not_allowed() -> Response {
    Failure::method_not_allowed().into_response()
}
