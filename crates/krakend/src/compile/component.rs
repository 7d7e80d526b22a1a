//! Components of `extra_config`, a file each: from the settings as they are written to what the model has for them.
//!
//! A function is called for a component whose state in the [table](crate::namespace::NAMESPACES) is `Served`, once for each place
//! where it is written. It gets a [`Component`] and gives back the message, or `None`: where the component has no effect, as
//! KrakenD has it, or where it is refused. Either is told by [`Component::report`], with [`Component::path`] leading to the option
//! at fault:
//!
//! - `refused`: KrakenD does not start with it either;
//! - `not_served`: KrakenD does it, and the proxy cannot; the configuration is refused;
//! - `dropped`, `surprising`: warnings. What [`check`](crate::check) tells of options already, is not told here again.

mod bots;
mod breaker;
mod cache;
mod call_limit;
mod client;
mod cors;
mod credentials;
mod expressions;
mod keys;
mod martian;
mod option;
mod request_limit;
mod revoker;
mod schema;
mod security;
mod signer;
mod sound;
mod validator;

use backstay_proto::config;

use super::Scope;
use super::written::{Component, Site};
use crate::namespace::{self, State};
use crate::plan::{Backend, Endpoint, Extension};

/// What the components of an endpoint come to.
#[derive(Debug, Default)]
pub(crate) struct OfEndpoint {
    pub(crate) guards: config::Guards,
    pub(crate) signing: Option<config::TokenSigning>,
    /// A schema that bodies have to be valid by, as JSON.
    pub(crate) body_schema: Vec<u8>,
    /// What has to be true of requests and of what is answered.
    pub(crate) expressions: Vec<String>,
}

/// What the components of the service come to.
pub(crate) fn of_service(scope: &Scope<'_>) -> config::Guards {
    let mut guards = config::Guards::default();
    for component in served(&scope.plan.extensions, Site::Service, scope) {
        match component.extension.namespace {
            "security/cors" => guards.cors = cors::compile(component),
            "security/http" => guards.security = security::compile(component),
            "security/bot-detector" => guards.bots = bots::compile(component),
            "auth/revoker" => revoker::compile(component),
            _ => {}
        }
    }
    guards
}

/// What the components of an endpoint come to.
pub(crate) fn of_endpoint(endpoint: &Endpoint, scope: &Scope<'_>) -> OfEndpoint {
    let mut made = OfEndpoint::default();
    for component in served(&endpoint.extensions, Site::Endpoint(endpoint), scope) {
        match component.extension.namespace {
            "security/bot-detector" => made.guards.bots = bots::compile(component),
            "auth/validator" => made.guards.token = validator::compile(component),
            "qos/ratelimit/router" => made.guards.rate_limits = request_limit::compile(component),
            "auth/signer" => made.signing = signer::compile(component),
            "validation/json-schema" => made.body_schema = schema::compile(component),
            "validation/cel" => made.expressions = expressions::compile(component),
            _ => {}
        }
    }
    // Those on claims are the validator's, whichever of both is written first.
    if let Some(token) = &mut made.guards.token {
        token.expressions = made.expressions.iter().filter(|text| text.contains("JWT")).cloned().collect();
    }
    made.expressions.retain(|text| text.contains("req") || text.contains("resp"));
    made
}

/// Adds the components of a backend, the one at `index` of its endpoint, to its call.
pub(crate) fn of_backend(
    endpoint: &Endpoint,
    (index, backend): (usize, &Backend),
    scope: &Scope<'_>,
    call: &mut config::Call,
) {
    for component in served(&backend.extensions, Site::Backend(endpoint, index), scope) {
        match component.extension.namespace {
            "modifier/martian" => call.modifiers = martian::compile(component),
            "qos/ratelimit/proxy" => call.rate_limit = call_limit::compile(component),
            "qos/circuit-breaker" => call.breaker = breaker::compile(component),
            "qos/http-cache" => call.cache = cache::compile(component),
            "auth/client-credentials" => call.credentials = credentials::compile(component),
            "validation/cel" => call.expressions = expressions::compile(component),
            "backend/http/client" => client::compile(component, call),
            _ => {}
        }
    }
}

/// The components that are served.
fn served<'a>(
    extensions: &'a [Extension],
    site: Site<'a>,
    scope: &'a Scope<'a>,
) -> impl Iterator<Item = Component<'a>> {
    extensions.iter().filter(|extension| is_served(extension)).map(move |extension| Component {
        extension,
        site,
        scope,
    })
}

fn is_served(extension: &Extension) -> bool {
    namespace::named(extension.namespace).is_some_and(|namespace| matches!(namespace.state, State::Served(_)))
}

/// Whether the component `name` is among them, and served.
pub(super) fn serves(extensions: &[Extension], name: &str) -> bool {
    extensions.iter().any(|extension| extension.namespace == name && is_served(extension))
}
