//! Outlier detection, as a policy has it. Every default is written out, so that proxies and other readers of the
//! configuration need not agree on them: Envoy's, as the documentation of the fields gives them.

use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::outlier_detection as wire;
use backstay_resources::GoDuration;
use backstay_resources::backstay::{OutlierDetection, SuccessRate};

use super::span;

const INTERVAL: GoDuration = GoDuration(Duration::from_secs(10));
const BASE_EJECTION_TIME: GoDuration = GoDuration(Duration::from_secs(30));
const MAX_EJECTION_TIME: GoDuration = GoDuration(Duration::from_secs(300));

pub(super) fn outlier_detection(given: &OutlierDetection) -> config::OutlierDetection {
    let base = given.base_ejection_time.unwrap_or(BASE_EJECTION_TIME);
    let longest = given.max_ejection_time.unwrap_or_else(|| MAX_EJECTION_TIME.max(base));
    let failures = given.failure_percentage.as_ref().map(|limit| wire::FailurePercentage {
        threshold: limit.threshold.unwrap_or(85),
        minimum_hosts: limit.minimum_hosts.unwrap_or(5),
        request_volume: limit.request_volume.unwrap_or(50),
    });
    config::OutlierDetection {
        interval: span(given.interval.or(Some(INTERVAL))),
        base_ejection_time: span(Some(base)),
        max_ejection_time: span(Some(longest)),
        max_ejection_percent: Some(given.max_ejection_percent.unwrap_or(10)),
        consecutive_5xx: Some(given.consecutive5xx.unwrap_or(5)),
        consecutive_gateway_failure: Some(given.consecutive_gateway_failure.unwrap_or(0)),
        consecutive_local_origin_failure: Some(given.consecutive_local_origin_failure.unwrap_or(5)),
        split_local_origin: given.split_local_origin,
        success_rate: Some(success_rate(&given.success_rate.clone().unwrap_or_default())),
        failure_percentage: failures,
        always_eject_one: given.always_eject_one,
    }
}

/// An absent message could be read as off or as Envoy's default, which is on. So it is never absent: with more endpoints
/// needed than there can be, it is off.
fn success_rate(given: &SuccessRate) -> wire::SuccessRate {
    let minimum_hosts = match given.enabled {
        Some(false) => u32::MAX,
        _ => given.minimum_hosts.unwrap_or(5),
    };
    wire::SuccessRate {
        minimum_hosts,
        request_volume: given.request_volume.unwrap_or(100),
        stdev_factor: given.stdev_factor.unwrap_or(1900),
    }
}
