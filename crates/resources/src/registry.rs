//! The kinds that there are.

use crate::kind::Kind;
use crate::{apoxy, backstay, core, gateway};

/// Every kind that is served.
pub static KINDS: &[&Kind] = &[
    &apoxy::BACKEND,
    &apoxy::PROXY,
    &gateway::GATEWAY_CLASS,
    &gateway::GATEWAY,
    &gateway::HTTP_ROUTE,
    &gateway::APOXY_GATEWAY_CLASS,
    &gateway::APOXY_GATEWAY,
    &gateway::APOXY_HTTP_ROUTE,
    &backstay::BACKEND_POLICY,
    &core::NAMESPACE,
    &core::SECRET,
];

impl Kind {
    /// Looks a kind up as an object names it.
    #[must_use]
    pub fn by_kind(api_version: &str, kind: &str) -> Option<&'static Kind> {
        KINDS.iter().copied().find(|known| known.kind == kind && known.api_version() == api_version)
    }
}
