//! How endpoints are chosen, as a policy has it.

use backstay_proto::config;
use backstay_proto::config::load_balancing as wire;
use backstay_resources::backstay::{BalancingPolicy, EndpointKey, HashPolicy, LoadBalancing, SlowStart};

use super::span;

pub(super) fn load_balancing(settings: &LoadBalancing) -> config::LoadBalancing {
    let policy = match settings.policy.unwrap_or_default() {
        BalancingPolicy::RoundRobin => wire::Policy::RoundRobin(wire::RoundRobin {}),
        BalancingPolicy::Random => wire::Policy::Random(wire::Random {}),
        BalancingPolicy::LeastRequest => {
            let given = settings.least_request.clone().unwrap_or_default();
            wire::Policy::LeastRequest(wire::LeastRequest {
                choice_count: given.choice_count.unwrap_or_default(),
                active_request_bias: given.active_request_bias,
            })
        }
        BalancingPolicy::RingHash => {
            let given = settings.ring_hash.clone().unwrap_or_default();
            wire::Policy::RingHash(wire::RingHash {
                minimum_size: given.minimum_size.unwrap_or_default(),
                maximum_size: given.maximum_size.unwrap_or_default(),
            })
        }
        BalancingPolicy::Maglev => {
            let size = settings.maglev.as_ref().and_then(|given| given.table_size);
            wire::Policy::Maglev(wire::Maglev { table_size: size.unwrap_or_default() })
        }
    };
    config::LoadBalancing {
        policy: Some(policy),
        hash_policies: settings.hash_policies.iter().map(hash_policy).collect(),
        panic_threshold: settings.panic_threshold,
        overprovisioning_factor: settings.overprovisioning_factor.unwrap_or_default(),
        locality_weighted: settings.locality_weighted,
        slow_start: settings.slow_start.as_ref().map(slow_start),
        endpoint_key: match settings.endpoint_key.unwrap_or_default() {
            EndpointKey::AddressAndPort => wire::EndpointKey::AddressAndPort,
            EndpointKey::Address => wire::EndpointKey::Address,
        }
        .into(),
    }
}

fn hash_policy(given: &HashPolicy) -> config::HashPolicy {
    use config::hash_policy::{Cookie, Kind};
    let kind = if let Some(name) = &given.header {
        Some(Kind::Header(name.to_ascii_lowercase()))
    } else if let Some(cookie) = &given.cookie {
        Some(Kind::Cookie(Cookie {
            name: cookie.name.clone(),
            ttl: span(cookie.ttl),
            path: cookie.path.clone().unwrap_or_default(),
        }))
    } else if let Some(name) = &given.query_parameter {
        Some(Kind::QueryParameter(name.clone()))
    } else {
        given.source_ip.then_some(Kind::SourceIp(true))
    };
    config::HashPolicy { kind, terminal: given.terminal }
}

fn slow_start(given: &SlowStart) -> wire::SlowStart {
    wire::SlowStart {
        window: span(given.window),
        aggression: given.aggression,
        min_weight_percent: given.min_weight_percent,
    }
}
