//! How an endpoint is chosen.

mod hash;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::hash::{HashCookie, HashPolicy};
use crate::GoDuration;

/// How an endpoint is chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancing {
    /// Which endpoint of those that may be used is next. Default RoundRobin. Envoy: `lb_policy`. Fastly: the `type` of a
    /// director.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<BalancingPolicy>,
    /// Settings of LeastRequest. Envoy: `least_request_lb_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_request: Option<LeastRequest>,
    /// Settings of RingHash. Envoy: `ring_hash_lb_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_hash: Option<RingHash>,
    /// Settings of Maglev. Envoy: `maglev_lb_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maglev: Option<Maglev>,
    /// What of a request is hashed, for RingHash and Maglev, which need it. The hashes of all that apply are combined;
    /// a request to which none applies goes to a random endpoint. Envoy: `hash_policy` of the route.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub hash_policies: Vec<HashPolicy>,
    /// What of an endpoint is hashed, for RingHash and Maglev. Proxies that shall agree on where requests go must hash the same. Default
    /// AddressAndPort, as Envoy does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_key: Option<EndpointKey>,
    /// Below this share of endpoints that may be used, in percent of a priority, all are. 0 to 100, 0 is never. Default
    /// 50. Envoy: `healthy_panic_threshold`. Fastly: `quorum` of a director, which fails instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panic_threshold: Option<u32>,
    /// How many times its share a healthy endpoint is taken to bear before lower priorities take over, in percent. 100 to
    /// 10000, default 140. Envoy: `overprovisioning_factor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overprovisioning_factor: Option<u32>,
    /// Whether localities share the traffic of their priority by their weights. Endpoints without a locality are one
    /// together, of weight 1. Default false. Envoy: `locality_weighted_lb_config`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub locality_weighted: bool,
    /// Endpoints that are new or have recovered take their share little by little; for RoundRobin and LeastRequest.
    /// Default: at once. Envoy: `slow_start_config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStart>,
}

/// Which endpoint is next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BalancingPolicy {
    /// One after the other, each as often as its weight.
    #[default]
    RoundRobin,
    /// Of a few random ones, the one with the fewest requests under way.
    LeastRequest,
    /// Any, whatever its weight.
    Random,
    /// By a hash of the request on a ring of the endpoints: the same request, the same endpoint.
    RingHash,
    /// By a hash of the request in a table of the endpoints: faster and more even than the ring, and with the defaults of both
    /// moves less when endpoints come and go.
    Maglev,
}

/// What of an endpoint is hashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EndpointKey {
    /// Its address and the port that the request goes to.
    #[default]
    AddressAndPort,
    /// Its address.
    Address,
}

/// Settings of LeastRequest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LeastRequest {
    /// How many random endpoints are compared. 2 to 100, default 2. Envoy: `choice_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice_count: Option<u32>,
    /// How much requests under way count where weights differ: 0 not at all. 0 to 100, default 1. Envoy:
    /// `active_request_bias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_request_bias: Option<f64>,
}

/// Settings of RingHash. Every endpoint has entries on the ring as its weight says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct RingHash {
    /// Entries at least. 1 to 8388608, default 1024. Envoy: `minimum_ring_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_size: Option<u32>,
    /// Entries at most. 1 to 8388608, default 8388608. Envoy: `maximum_ring_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_size: Option<u32>,
}

/// Settings of Maglev.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Maglev {
    /// Entries of the table: a prime, 5000011 at most. Default 65537. Envoy: `table_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_size: Option<u32>,
}

/// How endpoints that are new or have recovered are eased in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct SlowStart {
    /// How long that takes; greater than 0. Envoy: `slow_start_window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<GoDuration>,
    /// How it grows: 1 steadily, above 1 faster at first. Above 0, at most 100, default 1. Envoy: `aggression`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggression: Option<f64>,
    /// With how much of its weight an endpoint begins, in percent. 0 to 100, default 10. Envoy: `min_weight_percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_weight_percent: Option<u32>,
}
