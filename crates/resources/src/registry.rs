//! The kinds that a process serves.

use std::sync::Arc;

use crate::kind::Kind;
use crate::{apoxy, backstay, coordination, core, gateway};

/// The kinds that come with this crate.
static BUILT_IN: [&Kind; 14] = [
    &apoxy::BACKEND,
    &apoxy::PROXY,
    &gateway::GATEWAY_CLASS,
    &gateway::GATEWAY,
    &gateway::HTTP_ROUTE,
    &gateway::REFERENCE_GRANT,
    &gateway::APOXY_GATEWAY_CLASS,
    &gateway::APOXY_GATEWAY,
    &gateway::APOXY_HTTP_ROUTE,
    &backstay::BACKEND_POLICY,
    &core::NAMESPACE,
    &core::SECRET,
    &core::CONFIG_MAP,
    &coordination::LEASE,
];

/// Versions of built-in kinds beside the one that is stored, with the same fields: clients that ask for them get the same
/// objects. `v1beta1` is what Gateway API had before `v1` and many a manifest still says; `v1alpha` what Apoxy had of Backends.
static ALIASES: [&Kind; 4] =
    [&gateway::GATEWAY_CLASS_V1BETA1, &gateway::GATEWAY_V1BETA1, &gateway::HTTP_ROUTE_V1BETA1, &apoxy::BACKEND_V1ALPHA];

/// The kinds that a process serves, as whoever assembles it says. The API, the publisher and the command all take theirs
/// from one, so that a kind is added in one place.
#[derive(Debug, Clone)]
pub struct Registry(Arc<[&'static Kind]>);

/// Why kinds cannot be served together.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two would have one name.
    #[error("two kinds are called {plural} or {kind} in the API group {group:?}")]
    Twice {
        /// Their group.
        group: &'static str,
        /// The plural of the second.
        plural: &'static str,
        /// The second one's name.
        kind: &'static str,
    },
}

impl Registry {
    /// Exactly these kinds.
    ///
    /// # Errors
    /// When two have one name in one group.
    pub fn new(kinds: impl IntoIterator<Item = &'static Kind>) -> Result<Self, RegistryError> {
        let mut all: Vec<&'static Kind> = Vec::new();
        for kind in kinds {
            let Kind { group, plural, kind: name, .. } = *kind;
            if all.iter().any(|known| known.group == group && (known.plural == plural || known.kind == name)) {
                return Err(RegistryError::Twice { group, plural, kind: name });
            }
            all.push(kind);
        }
        Ok(Self(all.into()))
    }

    /// The kinds that come with this crate.
    #[must_use]
    pub fn built_in() -> Self {
        Self(Arc::new(BUILT_IN))
    }

    /// All of them, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &'static Kind> + use<'_> {
        self.0.iter().copied()
    }

    /// Other versions of them, which are the same objects.
    pub fn aliases(&self) -> impl Iterator<Item = &'static Kind> + use<'_> {
        ALIASES.into_iter().filter(|alias| self.0.contains(alias))
    }

    /// The kind that an object names, in that version.
    #[must_use]
    pub fn by_kind(&self, api_version: &str, kind: &str) -> Option<&'static Kind> {
        self.iter().chain(self.aliases()).find(|known| known.kind == kind && known.api_version() == api_version)
    }
}

#[cfg(test)]
mod tests;
