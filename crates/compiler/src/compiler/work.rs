//! What is still to be looked at while changes are applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::change::ObjectKey;
use crate::kept::{Kept, KeptName};
use crate::secret::SecretName;

/// A port of a fleet.
pub(super) type Port = (Arc<str>, u16);

/// What is still to be looked at. Sets are sorted, so that equal changes do equal work.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) classes: BTreeSet<ObjectKey>,
    /// Gateways whose standing or listeners may differ.
    pub(super) gateways: BTreeSet<ObjectKey>,
    /// Ports whose owners may differ.
    pub(super) ports: BTreeSet<Port>,
    pub(super) routes: BTreeSet<ObjectKey>,
    /// Backends that may compile differently.
    pub(super) backends: BTreeSet<Arc<str>>,
    /// Secrets that changed.
    pub(super) secrets: BTreeSet<SecretName>,
    /// What has to be kept of Secrets beyond this process, or no longer.
    pub(super) kept: BTreeMap<KeptName, Option<Kept>>,
    /// What has to be said may differ.
    pub(super) gateway_reports: BTreeSet<ObjectKey>,
    pub(super) backend_reports: BTreeSet<Arc<str>>,
    pub(super) policy_reports: BTreeSet<Arc<str>>,
}
