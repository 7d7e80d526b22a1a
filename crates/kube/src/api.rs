//! What all requests share.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use backstay_resources::{Kind, Registry};
use backstay_store::{Key, Prefix, Store};
use http::StatusCode;
use tokio::sync::{Semaphore, watch};

use crate::body::Budget;
use crate::discovery::Discovery;
use crate::dispatch;
use crate::openapi::OpenApi;
use crate::options::Options;
use crate::status::Failure;

/// A kind with the names derived from it, so that no request has to build them.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) kind: &'static Kind,
    /// `GROUP/VERSION`
    pub(crate) api_version: String,
    /// The store's name for it.
    pub(crate) resource: String,
    /// Such as `BackendList`.
    pub(crate) list_kind: String,
}

impl Served {
    fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            api_version: kind.api_version(),
            resource: kind.resource(),
            list_kind: format!("{}List", kind.kind),
        }
    }

    /// What the store calls an object.
    pub(crate) fn key(&self, namespace: &str, name: &str) -> Key {
        Key::new(&self.resource, namespace, name)
    }

    /// Where the store keeps a namespace's objects, or with `None` all.
    pub(crate) fn prefix(&self, namespace: Option<&str>) -> Prefix {
        match namespace {
            Some(namespace) if self.kind.is_namespaced() => Prefix::namespace(&self.resource, namespace),
            _ => Prefix::resource(&self.resource),
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    pub(crate) kinds: Vec<Arc<Served>>,
    pub(crate) shutdown: watch::Receiver<bool>,
    pub(crate) bodies: Budget,
    pub(crate) reading: Semaphore,
    pub(crate) mutating: Semaphore,
    pub(crate) watches: Arc<Semaphore>,
    discovery: OnceLock<Discovery>,
    openapi: OnceLock<OpenApi>,
}

impl Api {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        registry: &Registry,
        options: Options,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self {
            kinds: registry.iter().map(|kind| Arc::new(Served::new(kind))).collect(),
            bodies: Budget::new(options.max_bodies_bytes),
            reading: Semaphore::new(options.max_reading),
            mutating: Semaphore::new(options.max_mutating),
            watches: Arc::new(Semaphore::new(options.max_watches)),
            discovery: OnceLock::new(),
            openapi: OnceLock::new(),
            store,
            options,
            shutdown,
        }
    }

    /// The kind that a URL names.
    pub(crate) fn served(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Served>> {
        let found = self.kinds.iter().find(|served| {
            let kind = served.kind;
            kind.group == group && kind.version == version && kind.plural == plural
        });
        found.map(Arc::clone)
    }

    /// What is served, as clients discover it.
    pub(crate) fn discovery(&self) -> &Discovery {
        self.discovery.get_or_init(|| Discovery::new(&self.kinds))
    }

    /// The schemas, as clients read them.
    pub(crate) fn openapi(&self) -> &OpenApi {
        self.openapi.get_or_init(|| OpenApi::new(&self.kinds, &self.options.version))
    }
}

/// Serves the kinds of `registry` in this dialect. Every path is answered, unknown ones with a 404 `Status`: give it to an outer router as its
/// fallback service. Watches end when `shutdown` becomes true.
pub fn router(store: Arc<dyn Store>, registry: &Registry, options: Options, shutdown: watch::Receiver<bool>) -> Router {
    let api = Arc::new(Api::new(store, registry, options, shutdown));
    Router::new().fallback(dispatch::handle).with_state(api)
}

/// A refusal in the words of this dialect, by whatever stands before it: a `Status` with this code, 400, 403 or 415.
pub fn refused(code: StatusCode, message: impl Into<String>) -> Response {
    Failure::refused(code, message).into_response()
}
