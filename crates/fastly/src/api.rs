//! The REST API that Fastly's clients speak: the `fastly` command, the SDKs, Terraform, scripts.
//!
//! A request's path is split at its slashes before it is decoded, since names may hold any character. Its body is a form or
//! JSON, whatever its type says. What it changes is one commit of the store, which is tried again when somebody else came
//! first: writers that work on one version at once all succeed.
//!
//! # Layout
//!
//! - [`options`]: settings. `allowance`: how much may be written. `request`: reading requests; [`form`]: their bodies. `reply`, `failure`: answers.
//! - `dispatch`: from a path to what answers it. `access`: who may.
//! - `shared`: what all requests share; `locks`: who takes turns; `catalog`: names and owners of services.
//! - `record`: objects as they are changed; `transaction`: changing them.
//! - `services`, `versions`, `activation`, `details`, `diff`: a module for each resource.
//! - `part`: parts of a version, all kinds alike; `membership`, `logging`, `settings`, `vcl`: what is particular.
//! - `acl_entries`, `dictionary_items`, `dynamic_snippets`, `draining`: what changes without a new version.
//! - [`backend_health`]: how backends fare.
//! - `account`: whose token it is. `verdict`: whether a version can be served.

mod access;
mod account;
mod acl_entries;
mod activation;
mod allowance;
pub mod backend_health;
mod catalog;
mod details;
mod dictionary_items;
mod diff;
mod dispatch;
mod draining;
mod dynamic_snippets;
mod failure;
pub mod form;
mod locks;
mod logging;
mod membership;
pub mod options;
mod part;
mod record;
mod reply;
mod request;
mod services;
mod settings;
mod shared;
mod transaction;
mod vcl;
mod verdict;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use backstay_store::Store;

pub use self::access::attributes;
use self::failure::Failure;
pub use self::options::Options;
use self::shared::Api;

/// The paths of this API, for a router that serves others beside it. Who sends a request, and that it is allowed, is seen to before it
/// gets here: it has a [`backstay_auth::Caller`] in its extensions, and is answered 401 without.
pub fn router(store: Arc<dyn Store>, options: Options) -> Router {
    let api = Arc::new(Api::new(store, options));
    let mut router = Router::new();
    for path in dispatch::PATHS {
        router = router.route(path, any(dispatch::handle));
    }
    router.with_state(api)
}

/// 401 as this API says it.
pub fn unauthorized() -> Response {
    Failure::unauthorized().into_response()
}

/// 403 as this API says it.
pub fn denied(detail: impl Into<String>) -> Response {
    Failure::forbidden(detail).into_response()
}
