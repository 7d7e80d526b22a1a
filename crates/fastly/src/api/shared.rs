//! What all requests share.

use std::sync::Arc;

use backstay_auth::shares::{DEFAULT_SHARE_PERCENT, DEFAULT_SHARE_WAIT, Shares};
use backstay_store::Store;
use tokio::sync::Semaphore;

use super::allowance::Writes;
use super::catalog::Catalog;
use super::locks::Locks;
use super::options::Options;

/// What the room for bodies is given out in, in bytes.
pub(super) const BODY_UNIT: usize = 1024;

/// What all requests share.
pub(crate) struct Api {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: Options,
    pub(super) locks: Locks,
    pub(super) catalog: Catalog,
    pub(super) writes: Writes,
    /// Requests that are served.
    pub(super) open: Shares,
    /// What bodies may still take, in units of [`BODY_UNIT`].
    pub(super) bodies: Semaphore,
}

impl Api {
    pub(super) fn new(store: Arc<dyn Store>, options: Options) -> Self {
        let open = Shares::new(options.max_requests, DEFAULT_SHARE_PERCENT, DEFAULT_SHARE_WAIT);
        let bodies = Semaphore::new(options.max_bodies_bytes / BODY_UNIT);
        let writes = Writes::new(options.writes_per_hour);
        Self { store, options, locks: Locks::default(), catalog: Catalog::default(), writes, open, bodies }
    }
}
