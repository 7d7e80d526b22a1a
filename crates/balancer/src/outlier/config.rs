use std::time::Duration;

use thiserror::Error;

/// When endpoints are ejected, and for how long. The default is what Envoy does by default; detectors that it only reports
/// on by default are off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlierDetection {
    /// Between two [sweeps](crate::Detector::sweep). Above 0. Default 10 s.
    pub interval: Duration,
    /// An endpoint is ejected for this long, times the number of its ejections in a row. Default 30 s.
    pub base_ejection_time: Duration,
    /// Longest ejection, at least the base. Default: 300 s, or the base if that is more.
    pub max_ejection_time: Option<Duration>,
    /// How many endpoints may be ejected at once, 0 to 100 percent of all. Default 10, by which none of fewer than ten is ever
    /// ejected.
    pub max_ejection_percent: u32,
    /// Whether one may be ejected even if it is more than that. Default: no.
    pub always_eject_one: bool,
    /// Answers of 500 or more in a row, or failures where these are not split. 0: off. Default 5.
    pub consecutive_5xx: u32,
    /// Answers of 502, 503 or 504 in a row. 0: off. Default 0; where it is set, Envoy's number is 5.
    pub consecutive_gateway_failure: u32,
    /// Failures to connect, resets and time-outs in a row, where these are split. 0: off. Default 5.
    pub consecutive_local_origin_failure: u32,
    /// Whether failures to connect, resets and time-outs count apart from answers. Default: no; they count as 503 and 504.
    pub split_local_origin: bool,
    /// Ejects by comparison with the others. Default on.
    pub success_rate: Option<SuccessRate>,
    /// Ejects by the share of failures. Default off.
    pub failure_percentage: Option<FailurePercentage>,
    /// Whether an active check that passes ends an ejection. Default: yes.
    pub uneject_on_passed_check: bool,
}

impl Default for OutlierDetection {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            base_ejection_time: Duration::from_secs(30),
            max_ejection_time: None,
            max_ejection_percent: 10,
            always_eject_one: false,
            consecutive_5xx: 5,
            consecutive_gateway_failure: 0,
            consecutive_local_origin_failure: 5,
            split_local_origin: false,
            success_rate: Some(SuccessRate::default()),
            failure_percentage: None,
            uneject_on_passed_check: true,
        }
    }
}

/// An endpoint is ejected when its rate of successes in an interval is so many standard deviations below the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuccessRate {
    /// Endpoints with enough requests that it takes. Default 5.
    pub minimum_hosts: u32,
    /// Requests in an interval from which on an endpoint counts. Default 100.
    pub request_volume: u32,
    /// Standard deviations below the mean, in thousandths. Default 1900.
    pub stdev_factor: u32,
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self { minimum_hosts: 5, request_volume: 100, stdev_factor: 1900 }
    }
}

/// An endpoint is ejected when so many of its requests in an interval failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePercentage {
    /// Failures in percent, 0 to 100. Default 85.
    pub threshold: u32,
    /// Endpoints that it takes. Default 5.
    pub minimum_hosts: u32,
    /// Requests in an interval from which on an endpoint counts. Default 50.
    pub request_volume: u32,
}

impl Default for FailurePercentage {
    fn default() -> Self {
        Self { threshold: 85, minimum_hosts: 5, request_volume: 50 }
    }
}

/// Why an [`OutlierDetection`] cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutlierConfigError {
    /// Zero.
    #[error("outlier detection needs an interval above zero")]
    Interval,
    /// Below the base.
    #[error("the longest ejection time, {max:?}, is below the base ejection time, {base:?}")]
    MaxEjectionTime {
        /// The longest, as given.
        max: Duration,
        /// The base, as given.
        base: Duration,
    },
    /// Above 100.
    #[error("{field} is {value}: it is a percentage, 0 to 100")]
    Percentage {
        /// Which one.
        field: &'static str,
        /// As given.
        value: u32,
    },
}

impl OutlierDetection {
    /// Checks every range named at the fields.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), OutlierConfigError> {
        if self.interval.is_zero() {
            return Err(OutlierConfigError::Interval);
        }
        if let Some(max) = self.max_ejection_time.filter(|max| *max < self.base_ejection_time) {
            return Err(OutlierConfigError::MaxEjectionTime { max, base: self.base_ejection_time });
        }
        let percentage = |field, value: u32| {
            if value > 100 { Err(OutlierConfigError::Percentage { field, value }) } else { Ok(()) }
        };
        percentage("the greatest share of ejected endpoints", self.max_ejection_percent)?;
        percentage("the threshold of failures", self.failure_percentage.map_or(0, |failures| failures.threshold))
    }

    pub(super) fn max_ejection_time(&self) -> Duration {
        self.max_ejection_time.unwrap_or_else(|| Duration::from_secs(300).max(self.base_ejection_time))
    }

    pub(super) fn counts_rates(&self) -> bool {
        self.success_rate.is_some() || self.failure_percentage.is_some()
    }
}
