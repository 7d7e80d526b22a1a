//! References to Backends.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::gateway::{HttpBackendRef, HttpRouteFilter, HttpRouteSpec, ObjectRef};

/// What routes see of a Backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum BackendState {
    /// There is none.
    #[default]
    Missing,
    /// It exists, and has never been in a state that could be compiled.
    Unusable,
    /// It has been compiled.
    Usable {
        /// It takes the port from the request, where the reference has none.
        dynamic: bool,
    },
}

/// Why a reference cannot be honoured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RefFault {
    /// Reason of the condition `ResolvedRefs`.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// API groups that may stand before `Backend` in a reference: Apoxy takes any of them, and its users write them.
const GROUPS: [&str; 6] =
    ["", "core.apoxy.dev", "extensions.apoxy.dev", "compute.apoxy.dev", "vpc.apoxy.dev", "multicluster.x-k8s.io"];

/// A reference to a Backend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    group: Option<&'a str>,
    kind: Option<&'a str>,
    name: &'a str,
    port: Option<i32>,
}

impl<'a> From<&'a HttpBackendRef> for Reference<'a> {
    fn from(it: &'a HttpBackendRef) -> Self {
        Self { group: it.group.as_deref(), kind: it.kind.as_deref(), name: &it.name, port: it.port }
    }
}

impl<'a> From<&'a ObjectRef> for Reference<'a> {
    fn from(it: &'a ObjectRef) -> Self {
        Self { group: it.group.as_deref(), kind: it.kind.as_deref(), name: &it.name, port: it.port }
    }
}

/// Resolves the reference found at the path `at`. Its namespace does not matter: Backends have none.
pub(super) fn resolve(
    reference: Reference<'_>,
    at: &str,
    backends: &dyn Fn(&str) -> BackendState,
) -> Result<config::BackendRef, RefFault> {
    let fault = |reason, message: String| Err(RefFault { reason, message: format!("{at}: {message}") });
    let Reference { group, kind, name, port } = reference;
    let group = group.unwrap_or_default();
    // An absent kind is Service by the Gateway API.
    let kind = kind.unwrap_or("Service");
    if kind != "Backend" || !GROUPS.contains(&group) {
        let message = format!("kind {kind} of group {group:?} is not served; name a Backend with kind: Backend");
        return fault("InvalidKind", message);
    }
    let dynamic = match backends(name) {
        BackendState::Usable { dynamic } => dynamic,
        BackendState::Missing => return fault("BackendNotFound", format!("Backend {name} does not exist")),
        BackendState::Unusable => {
            return fault("BackendNotFound", format!("Backend {name} is not accepted; its status says why"));
        }
    };
    let port = match port {
        // The request says which, else the protocol.
        None if dynamic => 0,
        None => return fault("PortNotSpecified", format!("Backend {name} needs a port")),
        Some(port @ 1..=65535) => port.unsigned_abs(),
        Some(port) => {
            return fault("PortNotSpecified", format!("port {port} of Backend {name} is not between 1 and 65535"));
        }
    };
    Ok(config::BackendRef { backend: ResourceName::Backend(name).to_string(), port })
}

/// Names of all Backends that a route refers to, whether they exist or not.
pub(crate) fn named_backends(spec: &HttpRouteSpec) -> BTreeSet<Arc<str>> {
    fn mirrors(filters: &[HttpRouteFilter]) -> impl Iterator<Item = &str> {
        let mirrors = filters.iter().filter_map(|filter| filter.request_mirror.as_ref());
        mirrors.map(|mirror| mirror.backend_ref.name.as_str())
    }
    let mut names = BTreeSet::new();
    for rule in &spec.rules {
        names.extend(mirrors(&rule.filters).map(Arc::from));
        for backend in &rule.backend_refs {
            names.insert(Arc::from(backend.name.as_str()));
            names.extend(mirrors(&backend.filters).map(Arc::from));
        }
    }
    names
}
