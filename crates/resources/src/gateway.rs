//! `gateway.networking.k8s.io/v1`, and the same kinds, cluster-scoped, as `gateway.apoxy.dev/v1`.
//!
//! Source: Gateway API v1.5, `apis/v1`. Fields that Backstay cannot honour are part of the types, so that a manifest
//! that has them is read whole and the status can say so.

mod class;
mod http_route;
mod listener;

pub use self::class::{APOXY_GATEWAY_CLASS, GATEWAY_CLASS, GatewayClass, GatewayClassSpec, GatewayClassStatus};
pub use self::http_route::{
    APOXY_HTTP_ROUTE, HTTP_ROUTE, HeaderMatch, HeaderModifier, HttpBackendRef, HttpHeader, HttpRoute, HttpRouteFilter,
    HttpRouteMatch, HttpRouteRule, HttpRouteSpec, HttpRouteStatus, HttpRouteTimeouts, MatchType, ObjectRef, ParentRef,
    PathMatch, PathMatchType, PathModifier, PathModifierType, QueryParamMatch, RequestMirror, RequestMirrorFraction,
    RequestRedirect, RouteParentStatus, UrlRewrite,
};
pub use self::listener::{
    APOXY_GATEWAY, AllowedRoutes, CertificateRef, FromNamespaces, GATEWAY, Gateway, GatewayAddress,
    GatewayInfrastructure, GatewaySpec, GatewayStatus, LabelSelector, LabelSelectorRequirement, Listener,
    ListenerStatus, ListenerTls, LocalParametersRef, ParametersRef, RouteGroupKind, RouteNamespaces, TlsMode,
};

/// The controller that a GatewayClass names for its Gateways to be served.
pub const CONTROLLER_NAME: &str = "backstay.dev/gateway-controller";

/// Apoxy's controller name; classes that name it are served as well, so that its manifests apply as they are.
pub const APOXY_CONTROLLER_NAME: &str = "gateway.apoxy.dev/gatewayclass-controller";
