use std::sync::Arc;

use backstay_upstream::counts::Bounds;
use tokio::runtime::Handle;

use crate::dns::Dns;

/// What backends are built with.
#[derive(Clone, Debug)]
pub(super) struct BuildContext {
    pub(super) dns: Arc<Dns>,
    /// Where names are followed, and endpoints looked after.
    pub(super) runtime: Handle,
    /// Active checks under way at once, per backend.
    pub(super) max_checks: usize,
    /// What times are counted by, where it is not as usual.
    pub(super) bounds: Option<Bounds>,
}
