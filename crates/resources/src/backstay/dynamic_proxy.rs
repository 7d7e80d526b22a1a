//! Dynamic proxying: where it may lead, and more of its DNS cache.

mod block;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;

/// More settings of a Backend with `dynamicProxy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct DynamicProxyPolicy {
    /// Which addresses may be connected to, whatever a name resolves to. Loopback, link-local, metadata, multicast,
    /// unspecified and reserved addresses never, unless they are allowed here. Envoy: `resolved_address_filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<AddressRules>,
    /// More of how names are resolved and kept. Envoy: `dns_cache_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsPolicy>,
    /// How often the same request may come through the Backend before it is answered with 508, up to 100; 0 for ever.
    /// Default 3. Envoy: `max_allowed_occurrences` of its filter `cdn_loop`, and one more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_passes: Option<u32>,
}

/// Which addresses may be connected to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct AddressRules {
    /// CIDR blocks that may be, before all other rules. At most 256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub allow: Vec<String>,
    /// CIDR blocks that may not. At most 256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub deny: Vec<String>,
    /// Whether the private ranges of RFC 1918, RFC 4193, RFC 6598 and RFC 8215 may not. Default false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deny_private: bool,
    /// Ports that may be. Default: all but 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<PortRange>,
}

/// Ports from one to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PortRange {
    /// The first, 1 to 65535.
    pub start: i32,
    /// The last, 1 to 65535. Default: start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i32>,
}

/// More of how names are resolved and kept, beside the Backend's `dnsCacheConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct DnsPolicy {
    /// After a lookup that failed, the next waits a random time below this, doubled with each failure in a row, and never
    /// less than dnsMinRefreshRate. At least 1ms. Default: each waits dnsRefreshRate. Envoy:
    /// `dns_failure_refresh_rate.base_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_base: Option<GoDuration>,
    /// The longest such wait; without failureBase, waits begin with dnsRefreshRate. Default: ten times failureBase. Envoy:
    /// `dns_failure_refresh_rate.max_interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_max: Option<GoDuration>,
    /// How long addresses are used on while lookups fail; 0s not at all. Default: for ever, as in Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<GoDuration>,
    /// How long addresses are used on once DNS says that the name does not exist, or has none; 0s not at all. Default: maxStale, as
    /// in Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_absent: Option<GoDuration>,
    /// Requests that wait for lookups. At least 1, default 1024. Envoy:
    /// `dns_cache_circuit_breaker.max_pending_requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_requests: Option<u32>,
    /// Names without an address that are kept beside maxHosts, so that junk cannot take the place of names that resolve.
    /// Default: maxHosts. Envoy counts them in `max_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed_hosts: Option<u32>,
    /// Whether dnsLookupFamily auto asks for IPv4 only where there is no IPv6, as Envoy does, which fails where a name has
    /// both and the network has no IPv6. Default false: both are tried. Envoy: `AUTO`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict_auto: bool,
}
