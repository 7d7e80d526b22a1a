//! `gateway.networking.k8s.io/v1`, and the same kinds, cluster-scoped, as `gateway.apoxy.dev/v1`.
//!
//! Source: Gateway API v1.7, `apis/v1`, standard and experimental, and what earlier versions since v1.1 had besides. Fields
//! that Backstay cannot honour are part of the types, so that a manifest that has them is read whole and the status can say
//! so: [`FIELDS`] has the state of each.

mod class;
mod default_scope;
mod external_auth;
mod fields;
mod http_route;
mod kinds;
mod listener;
mod reference;
mod reference_grant;
mod selector;
mod unhonoured;

pub use self::class::{
    APOXY_GATEWAY_CLASS, GATEWAY_CLASS, GATEWAY_CLASS_V1BETA1, GatewayClass, GatewayClassSpec, GatewayClassStatus,
    SupportedFeature,
};
pub use self::default_scope::DefaultScope;
pub use self::external_auth::{ExternalAuth, ExternalAuthProtocol, ForwardBody, GrpcAuth, HttpAuth};
pub use self::fields::{FIELDS, Support};
pub use self::http_route::{
    CookieLifetime, Cors, HeaderMatch, HeaderModifier, HttpBackendRef, HttpHeader, HttpRoute, HttpRouteFilter,
    HttpRouteMatch, HttpRouteRule, HttpRouteSpec, HttpRouteStatus, HttpRouteTimeouts, MatchType, ParentRef, PathMatch,
    PathMatchType, PathModifier, PathModifierType, QueryParamMatch, RequestMirror, RequestMirrorFraction,
    RequestRedirect, Retry, RouteParentStatus, SessionCookie, SessionCookieConfig, SessionHeader, SessionPersistence,
    SessionType, UrlRewrite,
};
pub use self::kinds::{APOXY_GATEWAY, APOXY_HTTP_ROUTE, GATEWAY, GATEWAY_V1BETA1, HTTP_ROUTE, HTTP_ROUTE_V1BETA1};
pub use self::listener::{
    AllowedListeners, AllowedRoutes, BackendTls, CaCertificateRef, CertificateRef, ClientValidation,
    ClientValidationMode, FromNamespaces, FrontendTls, Gateway, GatewayAddress, GatewayInfrastructure, GatewaySpec,
    GatewayStatus, GatewayTls, Listener, ListenerFilter, ListenerFilters, ListenerStatus, ListenerTls,
    LocalParametersRef, ParametersRef, PortTls, PortTlsConfig, RouteGroupKind, RouteNamespaces, TlsMode,
};
pub use self::reference::{LocalObjectRef, ObjectRef};
pub use self::reference_grant::{
    REFERENCE_GRANT, ReferenceGrant, ReferenceGrantFrom, ReferenceGrantSpec, ReferenceGrantTo,
};
pub use self::selector::{LabelSelector, LabelSelectorRequirement};
pub use self::unhonoured::{Effect, Unhonoured};

/// The controller that a GatewayClass names for its Gateways to be served.
pub const CONTROLLER_NAME: &str = "backstay.dev/gateway-controller";

/// Apoxy's controller name; classes that name it are served as well, so that its manifests apply as they are.
pub const APOXY_CONTROLLER_NAME: &str = "gateway.apoxy.dev/gatewayclass-controller";

/// Apoxy's group of these kinds, which are cluster-scoped there.
const APOXY_GROUP: &str = "gateway.apoxy.dev";
