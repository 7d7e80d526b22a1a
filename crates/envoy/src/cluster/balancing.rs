//! How an endpoint is chosen.

use backstay_balancer::{Policy as Choice, SlowStart};
use backstay_model::Policy;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    CommonLbConfig, LbConfig, LbPolicy, LeastRequestLbConfig, MaglevLbConfig, RingHashLbConfig, RoundRobinLbConfig,
    SlowStartConfig, common_lb_config,
};

use crate::wire::{duration, large, number, percent, runtime_double};

pub(super) fn balance(cluster: &mut Cluster, policy: &Policy) {
    let balancing = &policy.balancing;
    let slow_start = balancing.slow_start.as_ref().map(slow_start);
    let (kind, config) = match &balancing.policy {
        Choice::RoundRobin => {
            let config = slow_start.map(|config| RoundRobinLbConfig { slow_start_config: Some(config) });
            (LbPolicy::RoundRobin, config.map(LbConfig::RoundRobinLbConfig))
        }
        Choice::LeastRequest(least) => {
            let config = LeastRequestLbConfig {
                choice_count: number(least.choice_count),
                active_request_bias: runtime_double(least.active_request_bias, "least_request.active_request_bias"),
                slow_start_config: slow_start,
            };
            (LbPolicy::LeastRequest, Some(LbConfig::LeastRequestLbConfig(config)))
        }
        Choice::Random => (LbPolicy::Random, None),
        Choice::RingHash(ring) => {
            let config = RingHashLbConfig {
                minimum_ring_size: large(ring.minimum_size),
                maximum_ring_size: large(ring.maximum_size),
                ..Default::default()
            };
            (LbPolicy::RingHash, Some(LbConfig::RingHashLbConfig(config)))
        }
        Choice::Maglev(maglev) => {
            let config = MaglevLbConfig { table_size: large(maglev.table_size) };
            (LbPolicy::Maglev, Some(LbConfig::MaglevLbConfig(config)))
        }
    };
    cluster.lb_policy = kind.into();
    cluster.lb_config = config;
    let weighted = common_lb_config::LocalityWeightedLbConfig {};
    let locality = balancing
        .locality_weighted
        .then_some(common_lb_config::LocalityConfigSpecifier::LocalityWeightedLbConfig(weighted));
    cluster.common_lb_config = Some(CommonLbConfig {
        healthy_panic_threshold: percent(balancing.panic_threshold.into()),
        locality_config_specifier: locality,
        ..Default::default()
    });
}

fn slow_start(given: &SlowStart) -> SlowStartConfig {
    SlowStartConfig {
        slow_start_window: duration(given.window),
        aggression: runtime_double(given.aggression, "slow_start.aggression"),
        min_weight_percent: percent(given.min_weight_percent.into()),
    }
}
