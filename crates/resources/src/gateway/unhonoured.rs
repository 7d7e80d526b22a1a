//! What users ask for and Backstay does not do.
//!
//! Each of these fields is part of the schema and is kept: were it dropped, with a warning that nobody has to read, what
//! it protects would be open. Filters are for the compiler of routes to refuse, one by one.

#[cfg(test)]
mod tests;

use std::fmt;

use super::default_scope::DefaultScope;
use super::http_route::{HttpRoute, HttpRouteRule, HttpRouteSpec};
use super::listener::{FromNamespaces, Gateway, GatewaySpec, Listener};
use crate::object::Object;

/// A field that is asked for and not honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhonoured {
    /// Its path within the part that was looked at, such as `tls.options`.
    pub field: String,
    /// What that means for what has it.
    pub effect: Effect,
}

/// What it means that a field is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// What has it is not served: without it, more would be let in than the user said.
    Withheld,
    /// What has it is served without it: that lets in no more than was asked for.
    Left,
}

impl fmt::Display for Unhonoured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is not supported", self.field)
    }
}

/// Notes the fields that are asked for.
fn asked<const N: usize>(fields: [(&str, Effect, bool); N]) -> Vec<Unhonoured> {
    let asked = fields.into_iter().filter(|(.., asked)| *asked);
    asked.map(|(field, effect, _)| Unhonoured { field: field.to_owned(), effect }).collect()
}

impl GatewaySpec {
    /// What it asks for and does not get, its listeners apart.
    #[must_use]
    pub fn unhonoured(&self) -> Vec<Unhonoured> {
        let frontend = self.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
        let default = frontend.and_then(|frontend| frontend.default.as_ref());
        let backend = self.tls.as_ref().and_then(|tls| tls.backend.as_ref());
        let allowed = self.allowed_listeners.as_ref().and_then(|allowed| allowed.namespaces.as_ref());
        let from = allowed.and_then(|namespaces| namespaces.from).unwrap_or(FromNamespaces::None);
        let mut found = asked([
            (
                "spec.tls.frontend.default.validation",
                Effect::Withheld,
                default.is_some_and(|default| default.validation.is_some()),
            ),
            (
                "spec.tls.frontend.perPort",
                Effect::Withheld,
                frontend.is_some_and(|frontend| !frontend.per_port.is_empty()),
            ),
            (
                "spec.tls.backend.clientCertificateRef",
                Effect::Withheld,
                backend.is_some_and(|backend| backend.client_certificate_ref.is_some()),
            ),
            (
                "spec.backendTLS.clientCertificateRef",
                Effect::Withheld,
                self.backend_tls.as_ref().is_some_and(|backend| backend.client_certificate_ref.is_some()),
            ),
            ("spec.allowedListeners", Effect::Left, from != FromNamespaces::None),
            ("spec.defaultScope", Effect::Left, self.default_scope == Some(DefaultScope::All)),
        ]);
        let routable = self
            .addresses
            .iter()
            .enumerate()
            .filter(|(_, address)| address.routability.as_ref().is_some_and(|routability| !routability.is_empty()));
        found.extend(routable.map(|(index, _)| Unhonoured {
            field: format!("spec.addresses[{index}].routability"),
            effect: Effect::Withheld,
        }));
        found
    }
}

impl Listener {
    /// What it asks for and does not get.
    #[must_use]
    pub fn unhonoured(&self) -> Vec<Unhonoured> {
        let tls = self.tls.as_ref();
        asked([
            ("tls.frontendValidation", Effect::Withheld, tls.is_some_and(|tls| tls.frontend_validation.is_some())),
            ("tls.options", Effect::Withheld, tls.is_some_and(|tls| !tls.options.is_empty())),
            ("filters", Effect::Withheld, self.filters.as_ref().is_some_and(|filters| !filters.requests.is_empty())),
        ])
    }
}

impl HttpRouteSpec {
    /// What it asks for and does not get, its rules apart.
    #[must_use]
    pub fn unhonoured(&self) -> Vec<Unhonoured> {
        asked([("spec.useDefaultGateways", Effect::Left, self.use_default_gateways == Some(DefaultScope::All))])
    }
}

impl HttpRouteRule {
    /// What it asks for and does not get, its filters apart.
    #[must_use]
    pub fn unhonoured(&self) -> Vec<Unhonoured> {
        asked([
            ("retry", Effect::Left, self.retry.is_some()),
            ("sessionPersistence", Effect::Left, self.session_persistence.is_some()),
        ])
    }
}

/// What is told to who writes a Gateway: what of it will not do what it seems to be for.
pub(super) fn warn_gateway(object: &Object) -> Vec<String> {
    let Ok(Gateway { spec, .. }) = object.typed() else { return Vec::new() };
    let mut warnings: Vec<String> = spec.unhonoured().iter().map(|it| sentence(it, "", "the Gateway")).collect();
    for (index, listener) in spec.listeners.iter().enumerate() {
        let at = format!("spec.listeners[{index}].");
        warnings.extend(listener.unhonoured().iter().map(|it| sentence(it, &at, "the listener")));
    }
    let nothing = spec
        .infrastructure
        .iter()
        .flat_map(|given| [("labels", !given.labels.is_empty()), ("annotations", !given.annotations.is_empty())]);
    warnings.extend(nothing.filter(|(_, given)| *given).map(|(field, _)| {
        format!("spec.infrastructure.{field} has no effect: nothing is created on behalf of a Gateway")
    }));
    warnings
}

/// What is told to who writes an HTTPRoute.
pub(super) fn warn_route(object: &Object) -> Vec<String> {
    let Ok(HttpRoute { spec, .. }) = object.typed() else { return Vec::new() };
    let mut warnings: Vec<String> = spec.unhonoured().iter().map(|it| sentence(it, "", "the route")).collect();
    for (index, rule) in spec.rules.iter().enumerate() {
        let at = format!("spec.rules[{index}].");
        warnings.extend(rule.unhonoured().iter().map(|it| sentence(it, &at, "the rule")));
        let own = rule.filters.iter().map(|filter| (format!("{at}filters"), filter, false));
        let of_backends = rule.backend_refs.iter().enumerate().flat_map(|(position, backend)| {
            let at = format!("{at}backendRefs[{position}].filters");
            backend.filters.iter().map(move |filter| (at.clone(), filter, true))
        });
        warnings.extend(own.chain(of_backends).filter(|(_, filter, of_backend)| !filter.is_honoured(*of_backend)).map(
            |(at, filter, _)| {
                format!("{at}: a filter of type {} is not supported: the rule is answered with 500", filter.kind)
            },
        ));
    }
    warnings
}

fn sentence(found: &Unhonoured, at: &str, what: &str) -> String {
    let effect = match found.effect {
        Effect::Withheld => format!("{what} is not served"),
        Effect::Left => format!("{what} is not accepted, and served without it"),
    };
    format!("{at}{found}: {effect}")
}
