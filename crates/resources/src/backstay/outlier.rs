//! Endpoints that fail are left out for a while.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{self, LEAST_INTERVAL};
use crate::GoDuration;
use crate::field::{FieldPath, Findings};

/// Leaves endpoints out that answer worse than they should. What is absent has Envoy's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct OutlierDetection {
    /// How often shares of failures are looked at and endpoints come back. Default 10s, at least 10ms. Envoy: `interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// How long an endpoint is left out the first time; each time in a row adds as much. Default 30s. Envoy:
    /// `base_ejection_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_ejection_time: Option<GoDuration>,
    /// How long at most. Default 300s, or baseEjectionTime where that is longer. Envoy: `max_ejection_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ejection_time: Option<GoDuration>,
    /// Share of the endpoints that may be left out, in percent: 0 to 100. Default 10. Envoy: `max_ejection_percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ejection_percent: Option<u32>,
    /// Whether one endpoint may be left out even if that is a larger share, such as one of two. Default false. Envoy:
    /// `always_eject_one_host`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub always_eject_one: bool,
    /// So many answers in a row with 5xx, failures to answer among them. Default 5; 0 is off. Envoy: `consecutive_5xx`.
    /// Fastly: `error_threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive5xx: Option<u32>,
    /// So many answers in a row with 502, 503 or 504. Default 0: off. Envoy: `consecutive_gateway_failure`, where
    /// `enforcing_consecutive_gateway_failure` is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_gateway_failure: Option<u32>,
    /// So many failures in a row to connect or to answer in time. Default 5; 0 is off. Only with splitLocalOrigin. Envoy:
    /// `consecutive_local_origin_failure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_local_origin_failure: Option<u32>,
    /// Whether failures to connect or to answer in time count apart from answers. Default false: they count as 5xx.
    /// Envoy: `split_external_local_origin_errors`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub split_local_origin: bool,
    /// Leaves out who succeeds more seldom than most. Default: on, with its defaults. Envoy: `success_rate_*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<SuccessRate>,
    /// Leaves out who fails more often than a limit. Default: off. Envoy: `failure_percentage_*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_percentage: Option<FailurePercentage>,
}

/// Leaves out who succeeds more seldom than most do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct SuccessRate {
    /// Whether it is done. Default true. Envoy: `enforcing_success_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Only where so many endpoints had enough requests. At least 1, default 5. Envoy: `success_rate_minimum_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_hosts: Option<u32>,
    /// Requests within an interval that are enough. At least 1, default 100. Envoy: `success_rate_request_volume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_volume: Option<u32>,
    /// Standard deviations below the mean, in thousandths. At least 1, default 1900. Envoy: `success_rate_stdev_factor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdev_factor: Option<u32>,
}

/// Leaves out who fails more often than a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FailurePercentage {
    /// The limit, in percent: 1 to 100. Default 85. Envoy: `failure_percentage_threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// Only where so many endpoints had enough requests. At least 1, default 5. Envoy:
    /// `failure_percentage_minimum_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_hosts: Option<u32>,
    /// Requests within an interval that are enough. At least 1, default 50. Envoy: `failure_percentage_request_volume`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_volume: Option<u32>,
}

impl OutlierDetection {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        bounds::at_least(self.interval, LEAST_INTERVAL, &path.child("interval"), findings);
        bounds::positive(self.base_ejection_time, &path.child("baseEjectionTime"), findings);
        let most = path.child("maxEjectionTime");
        bounds::positive(self.max_ejection_time, &most, findings);
        bounds::not_shorter(self.max_ejection_time, self.base_ejection_time, "baseEjectionTime", &most, findings);
        bounds::percent(self.max_ejection_percent, &path.child("maxEjectionPercent"), findings);
        if self.consecutive_local_origin_failure.is_some() && !self.split_local_origin {
            let detail = "is only with splitLocalOrigin; without, such failures count as 5xx";
            findings.forbidden(&path.child("consecutiveLocalOriginFailure"), detail);
        }
        if let Some(rate) = &self.success_rate {
            rate.check(&path.child("successRate"), findings);
        }
        if let Some(limit) = &self.failure_percentage {
            let path = path.child("failurePercentage");
            if let Some(threshold) = limit.threshold {
                findings.within(&path.child("threshold"), threshold, &(1..=100));
            }
            bounds::number(limit.minimum_hosts, 1, &path.child("minimumHosts"), findings);
            bounds::number(limit.request_volume, 1, &path.child("requestVolume"), findings);
        }
    }
}

impl SuccessRate {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let settings = [
            ("minimumHosts", self.minimum_hosts),
            ("requestVolume", self.request_volume),
            ("stdevFactor", self.stdev_factor),
        ];
        for (name, number) in settings {
            bounds::number(number, 1, &path.child(name), findings);
            if self.enabled == Some(false) && number.is_some() {
                findings.forbidden(&path.child(name), "has no effect where enabled is false");
            }
        }
    }
}
