//! What all requests share.

use std::sync::{Arc, OnceLock};

use backstay_auth::shares::Shares;
use backstay_resources::Registry;
use backstay_resources::event::{EVENT, EVENT_OF_GROUP};
use backstay_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::body::Budget;
use crate::discovery::Discovery;
use crate::openapi::OpenApi;
use crate::options::Options;
use crate::served::{ServedKind, ServedKinds};
use crate::service::SERVICE;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    pub(crate) kinds: ServedKinds,
    /// Where namespaces are, if not in `store`.
    pub(crate) namespaces: Option<Arc<dyn Store>>,
    pub(crate) shutdown: watch::Receiver<bool>,
    /// The same for kinds that are kept elsewhere than in `store`.
    elsewhere: Option<Box<Self>>,
    pub(crate) bodies: Budget,
    pub(crate) reading: Shares,
    pub(crate) mutating: Shares,
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
        let kinds = registry.iter().chain(registry.aliases()).chain([&SERVICE, &EVENT, &EVENT_OF_GROUP]);
        let main = Self::over(Arc::clone(&store), ServedKinds::new(kinds), options.clone(), shutdown.clone());
        let events: Arc<dyn Store> = options.events.store();
        let elsewhere = Self::over(events, ServedKinds::new([]), options, shutdown);
        let elsewhere =
            Self { namespaces: Some(store), watches: Arc::clone(&main.watches), elsewhere: None, ..elsewhere };
        Self { elsewhere: Some(Box::new(elsewhere)), ..main }
    }

    fn over(store: Arc<dyn Store>, kinds: ServedKinds, options: Options, shutdown: watch::Receiver<bool>) -> Self {
        Self {
            kinds,
            namespaces: None,
            elsewhere: None,
            bodies: Budget::new(options.max_bodies_bytes),
            reading: Shares::new(options.max_reading, options.max_user_percent, options.share_wait),
            mutating: Shares::new(options.max_mutating, options.max_user_percent, options.share_wait),
            watches: Arc::new(Semaphore::new(options.max_watches)),
            discovery: OnceLock::new(),
            openapi: OnceLock::new(),
            store,
            options,
            shutdown,
        }
    }

    /// This, over the store that objects of a kind are kept in.
    pub(crate) fn of(&self, served: &ServedKind) -> &Self {
        self.elsewhere.as_deref().filter(|_| served.is_event).unwrap_or(self)
    }

    /// What is served, as clients discover it.
    pub(crate) fn discovery(&self) -> &Discovery {
        self.discovery.get_or_init(|| Discovery::new(self.kinds.kinds()))
    }

    /// The schemas, as clients read them.
    pub(crate) fn openapi(&self) -> &OpenApi {
        self.openapi.get_or_init(|| OpenApi::new(self.kinds.kinds().collect(), &self.options.version))
    }
}
