//! Ejection of endpoints.

use backstay_balancer::OutlierDetection;
use envoy_types::pb::envoy::config::cluster::v3 as pb;

use crate::wire::{duration, flag, number};

/// Detectors are turned on and off by how much of their verdicts is enforced: Envoy's numbers of 0 mean something else.
const fn enforce(on: bool) -> Option<envoy_types::pb::google::protobuf::UInt32Value> {
    number(if on { 100 } else { 0 })
}

const fn at_least_one(count: u32) -> Option<envoy_types::pb::google::protobuf::UInt32Value> {
    number(if count == 0 { 1 } else { count })
}

pub(crate) fn detection(given: &OutlierDetection) -> pb::OutlierDetection {
    let mut detection = pb::OutlierDetection {
        interval: duration(given.interval),
        base_ejection_time: duration(given.base_ejection_time),
        max_ejection_time: given.max_ejection_time.and_then(duration),
        max_ejection_percent: number(given.max_ejection_percent),
        always_eject_one_host: flag(given.always_eject_one),
        consecutive_5xx: at_least_one(given.consecutive_5xx),
        enforcing_consecutive_5xx: enforce(given.consecutive_5xx > 0),
        consecutive_gateway_failure: at_least_one(given.consecutive_gateway_failure),
        enforcing_consecutive_gateway_failure: enforce(given.consecutive_gateway_failure > 0),
        consecutive_local_origin_failure: at_least_one(given.consecutive_local_origin_failure),
        enforcing_consecutive_local_origin_failure: enforce(given.consecutive_local_origin_failure > 0),
        split_external_local_origin_errors: given.split_local_origin,
        enforcing_success_rate: enforce(given.success_rate.is_some()),
        enforcing_local_origin_success_rate: enforce(given.success_rate.is_some()),
        enforcing_failure_percentage: enforce(given.failure_percentage.is_some()),
        successful_active_health_check_uneject_host: flag(given.uneject_on_passed_check),
        ..Default::default()
    };
    if let Some(rate) = &given.success_rate {
        detection.success_rate_minimum_hosts = number(rate.minimum_hosts);
        detection.success_rate_request_volume = number(rate.request_volume);
        detection.success_rate_stdev_factor = number(rate.stdev_factor);
    }
    if let Some(share) = &given.failure_percentage {
        detection.failure_percentage_threshold = number(share.threshold);
        detection.failure_percentage_minimum_hosts = number(share.minimum_hosts);
        detection.failure_percentage_request_volume = number(share.request_volume);
        detection.enforcing_failure_percentage_local_origin = enforce(given.split_local_origin);
    }
    detection
}
