//! HTTPRoute: which request goes where.

pub(super) mod columns;
mod cors;
pub(super) mod defaults;
mod filter;
mod retry;
pub(super) mod rules;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::default_scope::DefaultScope;
use crate::GoDuration;
use crate::meta::{Condition, ObjectMeta};

pub use self::cors::Cors;
pub use self::filter::{
    HeaderModifier, HttpHeader, HttpRouteFilter, PathModifier, PathModifierType, RequestMirror, RequestMirrorFraction,
    RequestRedirect, UrlRewrite,
};
pub use self::retry::{
    CookieLifetime, Retry, SessionCookie, SessionCookieConfig, SessionHeader, SessionPersistence, SessionType,
};

/// Rules that send requests to Backends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HttpRoute {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: HttpRouteSpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: HttpRouteStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// The Gateways that serve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parent_refs: Vec<ParentRef>,
    /// Hosts it is for: exact, or `*.example.com`; of `gateway.apoxy.dev` also `*`, for every host. Default: all that the
    /// listener serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// The most specific match of any rule wins. Default: one rule that matches all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<HttpRouteRule>,
    /// Which Gateways serve it without being named. Only `None`, the default, is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_default_gateways: Option<DefaultScope>,
}

/// A Gateway, or one listener of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// Default: the route's own API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Default `Gateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Default: the route's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name of the Gateway.
    #[serde(default)]
    pub name: String,
    /// Name of a listener. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
    /// Port of a listener. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// What is matched, what is changed, and where it goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRule {
    /// Unique within the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Any of them. Default: path prefix `/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<HttpRouteMatch>,
    /// Changes to the request and the response.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<HttpRouteFilter>,
    /// Where requests go, by weight. None: 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backend_refs: Vec<HttpBackendRef>,
    /// How long things may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<HttpRouteTimeouts>,
    /// When a request is sent again. Not honoured: a route that has it is not accepted. A BackendPolicy has `retries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How requests of a session stay at an endpoint. Not honoured: a route that has it is not accepted. A BackendPolicy
    /// has `loadBalancing.hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_persistence: Option<SessionPersistence>,
}

/// All of it must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// Default: prefix `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathMatch>,
    /// All of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<HeaderMatch>,
    /// All of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub query_params: Vec<QueryParamMatch>,
    /// GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE or PATCH. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// A match of the path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathMatch {
    /// Default `PathPrefix`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<PathMatchType>,
    /// Default `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// How a path is matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PathMatchType {
    /// The whole path.
    Exact,
    /// By whole path elements.
    #[default]
    PathPrefix,
    /// The whole path, in the syntax of RE2.
    RegularExpression,
}

/// How a header or query parameter is matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MatchType {
    /// The whole value.
    #[default]
    Exact,
    /// The whole value, in the syntax of RE2.
    RegularExpression,
}

/// A match of a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderMatch {
    /// Default `Exact`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchType>,
    /// Name, in any case.
    #[serde(default)]
    pub name: String,
    /// Value, or the expression it must match.
    #[serde(default)]
    pub value: String,
}

/// A match of a query parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueryParamMatch {
    /// Default `Exact`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MatchType>,
    /// Name; case counts.
    #[serde(default)]
    pub name: String,
    /// Value, or the expression it must match.
    #[serde(default)]
    pub value: String,
}

/// A Backend and its share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpBackendRef {
    /// API group. For a Backend, `core.apoxy.dev` or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `Backend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name of the Backend.
    #[serde(default)]
    pub name: String,
    /// Not used for a Backend, which has no namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// 1 to 65535. Required for a Backend, unless it has dynamicProxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// Share of the requests: this of the sum of all. 0 to 1000000. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Changes for this share only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<HttpRouteFilter>,
}

/// How long things may take. `0s` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteTimeouts {
    /// The whole request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<GoDuration>,
    /// One attempt at a Backend. At most `request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_request: Option<GoDuration>,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteStatus {
    /// Of each parent.
    #[serde(default)]
    pub parents: Vec<RouteParentStatus>,
    /// `Programmed` alone: every connected proxy of every fleet that serves the route has acknowledged it. Gateway API has it
    /// with each parent only, where `kubectl wait --for=condition` does not look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true. A control plane that starts tells by it whether
    /// that is still what they should serve.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
}

/// How a route relates to one parent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteParentStatus {
    /// The parent, as the route names it.
    #[serde(default)]
    pub parent_ref: ParentRef,
    /// Who says so.
    #[serde(default)]
    pub controller_name: String,
    /// `Accepted` and `ResolvedRefs`, `PartiallyInvalid` where some rules cannot be honoured, and `Programmed`: every connected
    /// proxy of the parent's fleet has acknowledged the route.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
