//! Gateway and HTTPRoute put together: types, columns, defaults, rules, and what whoever writes one is warned of.

use super::http_route::{self, HttpRoute};
use super::listener::{self, Gateway};
use super::{APOXY_GROUP, unhonoured};
use crate::kind::{Kind, Scope, Verb};
use crate::object::Resource;
use crate::{name, schema};

impl Resource for Gateway {
    const KIND: &'static Kind = &GATEWAY;
}

/// `gateways.gateway.networking.k8s.io`.
pub static GATEWAY: Kind = Kind { group: "gateway.networking.k8s.io", scope: Scope::Namespaced, ..CLUSTER_GATEWAY };

/// The version of [`GATEWAY`] before, with the same fields.
pub static GATEWAY_V1BETA1: Kind = Kind { version: "v1beta1", ..GATEWAY };

/// The version of [`HTTP_ROUTE`] before, with the same fields.
pub static HTTP_ROUTE_V1BETA1: Kind = Kind { version: "v1beta1", ..HTTP_ROUTE };

/// `gateways.gateway.apoxy.dev`.
pub static APOXY_GATEWAY: Kind = CLUSTER_GATEWAY;

const CLUSTER_GATEWAY: Kind = Kind {
    group: APOXY_GROUP,
    version: "v1",
    kind: "Gateway",
    plural: "gateways",
    singular: "gateway",
    scope: Scope::Cluster,
    short_names: &["gtw"],
    categories: &["gateway-api", "backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<Gateway>,
    columns: listener::columns::COLUMNS,
    cells: listener::columns::cells,
    selectable: &[],
    default: listener::defaults::fill,
    validate: listener::rules::find,
    warn: unhonoured::warn_gateway,
};

impl Resource for HttpRoute {
    const KIND: &'static Kind = &HTTP_ROUTE;
}

/// `httproutes.gateway.networking.k8s.io`.
pub static HTTP_ROUTE: Kind =
    Kind { group: "gateway.networking.k8s.io", scope: Scope::Namespaced, ..CLUSTER_HTTP_ROUTE };

/// `httproutes.gateway.apoxy.dev`.
pub static APOXY_HTTP_ROUTE: Kind = CLUSTER_HTTP_ROUTE;

const CLUSTER_HTTP_ROUTE: Kind = Kind {
    group: APOXY_GROUP,
    version: "v1",
    kind: "HTTPRoute",
    plural: "httproutes",
    singular: "httproute",
    scope: Scope::Cluster,
    short_names: &[],
    categories: &["gateway-api", "backstay"],
    has_status: true,
    check_name: name::subdomain,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<HttpRoute>,
    columns: http_route::columns::COLUMNS,
    cells: http_route::columns::cells,
    selectable: &[],
    default: http_route::defaults::fill,
    validate: http_route::rules::find,
    warn: unhonoured::warn_route,
};
