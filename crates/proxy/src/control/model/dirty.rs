use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

/// What has to be built anew.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub(super) secrets: BTreeSet<Arc<str>>,
    /// Backends that came, went or have another identity.
    pub(super) backends: BTreeSet<Arc<str>>,
    /// Tables and address sets that came or went; another version of one changes no rule.
    pub(super) lookups: BTreeSet<Arc<str>>,
    /// Listeners whose routes changed.
    pub(super) listeners: BTreeSet<Arc<str>>,
    pub(super) sockets: BTreeSet<SocketAddr>,
    /// What the fleet says of what is told.
    pub(super) telemetry: bool,
}
