//! Who refers to what.

use std::sync::Arc;

use super::work::Port;
use crate::change::ObjectKey;
use crate::index::Index;
use crate::secret::SecretName;

/// From what is referred to, whether it exists or not, to who refers to it.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) class_gateways: Index<ObjectKey, ObjectKey>,
    pub(super) proxy_gateways: Index<Arc<str>, ObjectKey>,
    pub(super) secret_gateways: Index<SecretName, ObjectKey>,
    /// Gateways with a listener that claims the port.
    pub(super) port_gateways: Index<Port, ObjectKey>,
    pub(super) gateway_routes: Index<ObjectKey, ObjectKey>,
    pub(super) namespace_routes: Index<Arc<str>, ObjectKey>,
    pub(super) backend_routes: Index<Arc<str>, ObjectKey>,
    pub(super) backend_policies: Index<Arc<str>, Arc<str>>,
    pub(super) secret_policies: Index<SecretName, Arc<str>>,
}
