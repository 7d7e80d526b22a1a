//! What of the Gateway API is done, by the names of its conformance tests.
//!
//! LastGood: Gateway API v1.7, `pkg/features`. A name is here when the compiler and the proxy do all that it stands for, and
//! no test of it could tell otherwise but by what it is run on (Services, which are not served). Not here, for one:
//! `GatewayStaticAddresses`, since an address that cannot be bound is reported as `Refused` and not `AddressNotUsable`;
//! `ReferenceGrant`, since there are none; `GatewayRouteHostnameIntersectionPrecedence`, since routes are ordered by the
//! host names that they share with their listener.

/// The names, sorted.
pub const SUPPORTED_FEATURES: [&str; 28] = [
    "Gateway",
    "GatewayHTTPListenerIsolation",
    "GatewayHTTPSListenerDetectMisdirectedRequests",
    "GatewayPort8080",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendTimeout",
    "HTTPRouteBackendURLRewrite",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteSchemeRedirect",
];
