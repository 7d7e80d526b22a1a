//! How endpoints are chosen.

use std::sync::Arc;

use backstay_balancer::{
    FailurePercentage, LeastRequest, LoadBalancing, Maglev, OutlierDetection, Policy, RingHash, SlowStart, SuccessRate,
};
use backstay_proto::config::{self, hash_policy, load_balancing};
use http::{HeaderName, HeaderValue};

use super::fault::{Checked, Fault, Within};
use super::time::{duration, positive};
use crate::config::{HashCookie, HashKind, HashPolicy};

pub(super) fn load_balancing(given: &config::LoadBalancing) -> Checked<(Arc<LoadBalancing>, Box<[HashPolicy]>)> {
    let policy = match &given.policy {
        None => return Err(Fault::unknown("policy")),
        Some(load_balancing::Policy::RoundRobin(_)) => Policy::RoundRobin,
        Some(load_balancing::Policy::Random(_)) => Policy::Random,
        Some(load_balancing::Policy::LeastRequest(least)) => Policy::LeastRequest(LeastRequest {
            choice_count: or(least.choice_count, LeastRequest::default().choice_count),
            active_request_bias: least.active_request_bias.unwrap_or(1.0),
        }),
        Some(load_balancing::Policy::RingHash(ring)) => Policy::RingHash(RingHash {
            minimum_size: or(ring.minimum_size, RingHash::default().minimum_size),
            maximum_size: or(ring.maximum_size, RingHash::default().maximum_size),
        }),
        Some(load_balancing::Policy::Maglev(maglev)) => {
            Policy::Maglev(Maglev { table_size: or(maglev.table_size, Maglev::default().table_size) })
        }
    };
    let defaults = LoadBalancing::default();
    let balancing = LoadBalancing {
        policy,
        panic_threshold: given.panic_threshold.unwrap_or(defaults.panic_threshold),
        overprovisioning_factor: or(given.overprovisioning_factor, defaults.overprovisioning_factor),
        locality_weighted: given.locality_weighted,
        slow_start: given.slow_start.as_ref().map(slow_start).transpose().within("slow_start")?,
    };
    balancing.validate().map_err(|error| Fault::new("", error.to_string()))?;
    let policies = given.hash_policies.iter().enumerate();
    let policies = policies.map(|(index, given)| hash_policy(given).within_element("hash_policies", index));
    Ok((Arc::new(balancing), policies.collect::<Checked<_>>()?))
}

const fn or(given: u32, default: u32) -> u32 {
    if given == 0 { default } else { given }
}

fn slow_start(given: &load_balancing::SlowStart) -> Checked<SlowStart> {
    Ok(SlowStart {
        window: positive("window", given.window)?.ok_or_else(|| Fault::new("window", "must be set"))?,
        aggression: given.aggression.unwrap_or(1.0),
        min_weight_percent: given.min_weight_percent.unwrap_or(10),
    })
}

fn hash_policy(given: &config::HashPolicy) -> Checked<HashPolicy> {
    let kind = match &given.kind {
        None | Some(hash_policy::Kind::SourceIp(false)) => return Err(Fault::unknown("")),
        Some(hash_policy::Kind::SourceIp(true)) => HashKind::SourceIp,
        Some(hash_policy::Kind::Header(name)) => HashKind::Header(header_name("header", name)?),
        Some(hash_policy::Kind::QueryParameter(name)) => HashKind::Query(name.as_str().into()),
        Some(hash_policy::Kind::Cookie(cookie)) => {
            let is_token = HeaderName::from_bytes(cookie.name.as_bytes()).is_ok();
            if !is_token {
                return Err(Fault::new("cookie.name", format!("{:?} cannot be the name of a cookie", cookie.name)));
            }
            let fits = HeaderValue::from_str(&cookie.path).is_ok() && !cookie.path.contains([';', ',']);
            if !fits {
                return Err(Fault::new("cookie.path", "must not contain ';', ',' or control characters"));
            }
            HashKind::Cookie(HashCookie {
                name: cookie.name.as_str().into(),
                ttl: duration("cookie.ttl", cookie.ttl)?,
                path: cookie.path.as_str().into(),
            })
        }
    };
    Ok(HashPolicy { kind, terminal: given.terminal })
}

pub(super) fn header_name(field: &str, name: &str) -> Checked<HeaderName> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Fault::new(field, format!("{name:?} cannot be the name of a header")))
}

pub(super) fn outlier_detection(given: &config::OutlierDetection) -> Checked<OutlierDetection> {
    let defaults = OutlierDetection::default();
    let rates = SuccessRate::default();
    let success_rate = given.success_rate.map_or(rates, |given| SuccessRate {
        minimum_hosts: or(given.minimum_hosts, rates.minimum_hosts),
        request_volume: or(given.request_volume, rates.request_volume),
        stdev_factor: or(given.stdev_factor, rates.stdev_factor),
    });
    let failures = FailurePercentage::default();
    let failure_percentage = given.failure_percentage.map(|given| FailurePercentage {
        threshold: or(given.threshold, failures.threshold),
        minimum_hosts: or(given.minimum_hosts, failures.minimum_hosts),
        request_volume: or(given.request_volume, failures.request_volume),
    });
    let detection = OutlierDetection {
        interval: positive("interval", given.interval)?.unwrap_or(defaults.interval),
        base_ejection_time: duration("base_ejection_time", given.base_ejection_time)?
            .unwrap_or(defaults.base_ejection_time),
        max_ejection_time: duration("max_ejection_time", given.max_ejection_time)?,
        max_ejection_percent: given.max_ejection_percent.unwrap_or(defaults.max_ejection_percent),
        always_eject_one: given.always_eject_one,
        consecutive_5xx: given.consecutive_5xx.unwrap_or(defaults.consecutive_5xx),
        consecutive_gateway_failure: given.consecutive_gateway_failure.unwrap_or(defaults.consecutive_gateway_failure),
        consecutive_local_origin_failure: given
            .consecutive_local_origin_failure
            .unwrap_or(defaults.consecutive_local_origin_failure),
        split_local_origin: given.split_local_origin,
        success_rate: Some(success_rate),
        failure_percentage,
        ..defaults
    };
    detection.validate().map_err(|error| Fault::new("", error.to_string()))?;
    Ok(detection)
}
