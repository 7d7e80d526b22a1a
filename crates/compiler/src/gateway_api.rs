//! The first front end: Gateway API, and the kinds that its routes lead to.

mod backends;
mod classes;
mod gateways;
mod grants;
mod node;
mod read;
mod routes;
mod tables;
mod telemetry;

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_resources::apoxy::{BACKEND, PROXY};
use backstay_resources::backstay::BACKEND_POLICY;
use backstay_resources::core::NAMESPACE;
use backstay_resources::gateway::{
    APOXY_GATEWAY, APOXY_GATEWAY_CLASS, APOXY_HTTP_ROUTE, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE, REFERENCE_GRANT,
};
use backstay_resources::{Kind, Object};

pub use self::tables::Options;
use self::tables::Tables;
use crate::change::ObjectKey;
use crate::front_end::FrontEnd;
use crate::graph::Graph;

/// Kinds of the two Gateway groups are handled alike.
const KINDS: [&Kind; 11] = [
    &BACKEND,
    &BACKEND_POLICY,
    &PROXY,
    &NAMESPACE,
    &GATEWAY_CLASS,
    &APOXY_GATEWAY_CLASS,
    &GATEWAY,
    &APOXY_GATEWAY,
    &HTTP_ROUTE,
    &APOXY_HTTP_ROUTE,
    &REFERENCE_GRANT,
];

/// Compiles GatewayClasses, Gateways and HTTPRoutes, the Backends that these name and their policies.
#[derive(Debug)]
pub struct GatewayApi(Tables);

impl GatewayApi {
    /// A front end that knows no objects.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Tables::new(options))
    }
}

impl FrontEnd for GatewayApi {
    fn kinds(&self) -> &[&'static Kind] {
        &KINDS
    }

    fn read(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let kind = key.kind;
        if *kind == BACKEND {
            self.0.read_backend(key, object, graph);
        } else if *kind == BACKEND_POLICY {
            self.0.read_policy(key, object, graph);
        } else if *kind == PROXY {
            self.0.read_proxy(key, object, graph);
        } else if *kind == NAMESPACE {
            self.0.read_namespace(key, object, graph);
        } else if [&GATEWAY_CLASS, &APOXY_GATEWAY_CLASS].contains(&kind) {
            self.0.read_class(key, object, graph);
        } else if [&GATEWAY, &APOXY_GATEWAY].contains(&kind) {
            self.0.read_gateway(key, object, graph);
        } else if [&HTTP_ROUTE, &APOXY_HTTP_ROUTE].contains(&kind) {
            self.0.read_route(key, object, graph);
        } else if *kind == REFERENCE_GRANT {
            self.0.read_grant(key, object, graph);
        }
    }

    /// Each step only adds work to the steps after it.
    fn compile(&mut self, graph: &mut Graph) {
        self.0.report_classes(graph);
        self.0.recompile_backends(graph);
        self.0.recompile_gateways(graph);
        self.0.recompile_routes(graph);
    }

    fn report(&mut self, placed: &BTreeSet<Arc<str>>, graph: &mut Graph) {
        for name in placed {
            if let Some(ResourceName::Backend(name)) = ResourceName::parse(name) {
                self.0.backend_placed(name, graph);
            }
        }
        self.0.report_backends(graph);
        self.0.report_policies(graph);
        self.0.report_gateways(graph);
    }
}

#[cfg(test)]
mod tests;
