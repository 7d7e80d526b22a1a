//! What endpoints are to each other, and where names lead.

mod rules;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;

pub(super) use self::rules::check;

/// What an endpoint of the Backend is to the others. Exactly one of `fqdn` and `ip` names it. An endpoint that is not
/// named has the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyEndpoint {
    /// The endpoint of the Backend with this fqdn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// The endpoint of the Backend with this ip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Its share of requests, beside those of its priority. Every address of a name has it. 1 to 1000000, default 1. Envoy:
    /// `load_balancing_weight`. Fastly: `weight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// 0 is the highest; a lower one takes traffic when those above are not healthy enough. 0 to 127, default 0. Envoy:
    /// `priority`. Fastly: a director of the type fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Where it is. Envoy: `locality`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// What you know of its health. Active checks and outlier detection can only make it worse. Default Healthy. Envoy:
    /// `health_status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<EndpointHealth>,
}

/// Where an endpoint is: at least one of `region` and `zone`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Locality {
    /// Such as `eu-central-1`. Envoy: `region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Such as `eu-central-1a`. Envoy: `zone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Share of the traffic of its priority, the same for all endpoints of a locality there, and only with
    /// loadBalancing.localityWeighted. 0 takes none; 0 to 1000000, default 1. Envoy: `load_balancing_weight` of the
    /// locality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

/// What is known of an endpoint's health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointHealth {
    /// It may be used.
    #[default]
    Healthy,
    /// It is used in panic only.
    Unhealthy,
    /// As Unhealthy: it is about to go.
    Draining,
    /// It is used when there are not enough healthy ones.
    Degraded,
}

/// Where the names of endpoints lead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Discovery {
    /// Which addresses of the fqdn of each endpoint are used. Default `v4_preferred`. Not with srv. Envoy:
    /// `dns_lookup_family`. Fastly: `prefer_ipv6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_lookup_family: Option<NameFamily>,
    /// The fqdn of each endpoint has SRV records under `_SERVICE._PROTOCOL.`, which say names, ports, priorities and
    /// weights (RFC 2782). Default: it has addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srv: Option<SrvDiscovery>,
    /// How long the addresses of a name are used on while lookups fail; 0s not at all. Default: for ever, as in Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<GoDuration>,
    /// How long they are used on once DNS says that the name does not exist, or has none. Default 0s: not at all, as in Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_absent: Option<GoDuration>,
}

/// Which addresses of a name are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameFamily {
    /// IPv4, and IPv6 where there is none.
    V4Preferred,
    /// IPv6, and IPv4 where there is none.
    V6Preferred,
    /// IPv4 only.
    V4Only,
    /// IPv6 only.
    V6Only,
    /// Both.
    All,
}

/// Which SRV records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SrvDiscovery {
    /// The service, without the underscore, such as `http`.
    pub service: String,
    /// The protocol, without the underscore. Default `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

impl PolicyEndpoint {
    /// The fqdn or ip in the form in which equal ones are equal. `None` where it is malformed.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        match (&self.fqdn, &self.ip) {
            (Some(fqdn), None) => Some(fqdn.clone()),
            (None, Some(ip)) => address(ip),
            _ => None,
        }
    }

    /// The fqdn or ip, as it is written.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fqdn.as_deref().or(self.ip.as_deref()).unwrap_or_default()
    }
}

impl SrvDiscovery {
    /// The name whose SRV records lead to `fqdn`: `_http._tcp.example.com` for `example.com`.
    #[must_use]
    pub fn name_for(&self, fqdn: &str) -> String {
        format!("_{}._{}.{fqdn}", self.service, self.protocol.as_deref().unwrap_or("tcp"))
    }
}

/// The form of an address in which equal ones are equal: it has several spellings.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical().to_string())
}
