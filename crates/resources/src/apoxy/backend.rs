//! Backend: an upstream service.
//!
//! Source: Apoxy's documented API. Where its server departs from its documentation, this follows the documentation.

mod address;
mod columns;
mod defaults;
mod rules;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Scope, Verb};
use crate::meta::{Condition, ObjectMeta};
use crate::object::Resource;
use crate::{GoDuration, name, schema};

/// An upstream service: where its endpoints are and which protocol they speak.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Standard object metadata.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What the user asks for.
    #[serde(default)]
    pub spec: BackendSpec,
    /// What the control plane observed.
    #[serde(default)]
    pub status: BackendStatus,
}

/// What the user asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendSpec {
    /// Where to connect to, in order. With dynamicProxy: the names that a request's authority must match, none for all;
    /// `*.example.com` stands for every name below example.com.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub endpoints: Vec<BackendEndpoint>,
    /// Sends each request to the host that its own authority names, resolved when it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_proxy: Option<DynamicProxy>,
    /// What the endpoints speak: `""` is HTTP/1.1, `tls` is HTTP/1.1 over TLS, `h2` is HTTP/2 over TLS, `h2c` is HTTP/2
    /// without TLS.
    #[serde(default)]
    pub protocol: BackendProtocol,
}

/// One endpoint: exactly one of `fqdn` and `ip`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendEndpoint {
    /// A fully qualified domain name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// An IPv4 or IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// What endpoints speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BackendProtocol {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "")]
    Http1,
    /// HTTP/1.1 over TLS.
    #[serde(rename = "tls")]
    Tls,
    /// HTTP/2 over TLS.
    #[serde(rename = "h2")]
    H2,
    /// HTTP/2 without TLS, by prior knowledge.
    #[serde(rename = "h2c")]
    H2c,
}

/// Settings of a dynamic forward proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DynamicProxy {
    /// How names are resolved and kept.
    #[serde(default)]
    pub dns_cache_config: DnsCacheConfig,
}

/// How names are resolved and kept. What is absent has the default said with it, which is filled in on write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsCacheConfig {
    /// Which address families are asked for. Default auto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_lookup_family: Option<DnsLookupFamily>,
    /// How soon a name that did not resolve is asked again. Default 60s, at least 1ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_refresh_rate: Option<GoDuration>,
    /// Floor under the TTL of an answer. Default 5s, at least 1s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_min_refresh_rate: Option<GoDuration>,
    /// How long a lookup may take. Default 5s; 0s is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_query_timeout: Option<GoDuration>,
    /// Names unused for this long are dropped. Default 5m.
    #[serde(default, rename = "hostTTL", skip_serializing_if = "Option::is_none")]
    pub host_ttl: Option<GoDuration>,
    /// How many names are kept at most. Default 1024.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hosts: Option<u32>,
}

/// Which address families are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnsLookupFamily {
    /// IPv6, and IPv4 where there is none.
    #[default]
    Auto,
    /// IPv4 only.
    V4Only,
    /// IPv6 only.
    V6Only,
    /// IPv4, and IPv6 where there is none.
    V4Preferred,
    /// Both.
    All,
}

/// What the control plane observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    /// `Accepted`: it is well formed and compiled. `ResolvedRefs`: everything it refers to exists. `Programmed`: every
    /// connected proxy of every fleet that uses it has acknowledged it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// A hash of what proxies had acknowledged when `Programmed` became true. A control plane that starts tells by it whether
    /// that is still what they should serve.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acknowledged_version: String,
}

impl Resource for Backend {
    const KIND: &'static Kind = &BACKEND;
}

/// `backends.core.apoxy.dev`.
pub static BACKEND: Kind = Kind {
    group: "core.apoxy.dev",
    version: "v1alpha2",
    kind: "Backend",
    plural: "backends",
    singular: "backend",
    scope: Scope::Cluster,
    short_names: &["be"],
    categories: &["all", "apoxy", "backstay"],
    has_status: true,
    check_name: name::backend,
    verbs: Verb::ALL,
    sensitive: false,
    redact: None,
    schema: schema::of::<Backend>,
    columns: columns::COLUMNS,
    cells: columns::cells,
    selectable: columns::SELECTABLE,
    default: defaults::fill,
    validate: rules::find,
    warn: |_| Vec::new(),
};

/// The version of `backends.core.apoxy.dev` before, with the same fields.
pub static BACKEND_V1ALPHA: Kind = Kind { version: "v1alpha", ..BACKEND };
