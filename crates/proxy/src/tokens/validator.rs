//! What a rule wants of tokens, joined with what there is of what it names.

use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_model::route::guards::{Keys, TokenValidation};
use backstay_model::{Revocations, Slot};
use backstay_upstream::Backend;

use super::{KeyRing, KeyStore, RemoteKeys};

/// What there is of a backend's name, given with the port.
type FindBackend<'a> = &'a dyn Fn(&str, Option<NonZeroU16>) -> Option<Arc<Backend>>;

/// What a rule wants of tokens.
#[derive(Debug)]
pub struct Validator {
    /// As it is configured.
    pub wanted: TokenValidation,
    /// What signatures are verified with.
    pub keys: KeySource,
    /// What is revoked; `None` where that is looked up, and not known.
    pub revoked: Option<Arc<Slot<Revocations>>>,
}

/// Where keys are.
#[derive(Debug)]
pub enum KeySource {
    /// Nowhere.
    None,
    /// Here.
    Here(KeyRing),
    /// Fetched from a backend.
    Remote {
        /// The keys.
        keys: Arc<RemoteKeys>,
        /// The backend, if it is there.
        backend: Option<Arc<Backend>>,
        /// Port of its endpoints.
        port: Option<NonZeroU16>,
    },
}

impl Validator {
    /// Joins what is `wanted` with what there is. Sets of keys are those of `store`.
    pub(crate) fn join(
        wanted: &TokenValidation,
        store: &KeyStore,
        backend: FindBackend<'_>,
        revocations: &dyn Fn(&str) -> Option<Arc<Slot<Revocations>>>,
    ) -> Self {
        let keys = match &wanted.keys {
            Keys::None => KeySource::None,
            Keys::Inline(keys) => KeySource::Here(KeyRing::new(keys.as_ref().clone())),
            Keys::Remote(remote) => KeySource::Remote {
                keys: store.get(remote),
                backend: backend(&remote.backend, remote.port),
                port: remote.port,
            },
        };
        let revoked = wanted.revocation.as_ref().and_then(|revocation| revocations(&revocation.set));
        Self { wanted: wanted.clone(), keys, revoked }
    }
}
