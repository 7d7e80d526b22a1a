//! How endpoints are chosen.

use std::sync::Arc;

use backstay_balancer::{
    EndpointKey, FailurePercentage, LeastRequest, LoadBalancing, Maglev, OutlierDetection, Policy, RingHash, SlowStart,
    SuccessRate,
};
use backstay_proto::config::{self, hash_policy, load_balancing};
use http::{HeaderName, HeaderValue};

use super::{HashCookie, HashKind, HashPolicy};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::scalar::{duration, header_name, positive};

pub(super) fn load_balancing(given: &config::LoadBalancing) -> Checked<(Arc<LoadBalancing>, Box<[HashPolicy]>)> {
    let policies = given.hash_policies.iter().enumerate();
    let policies = policies.map(|(index, given)| hash_policy(given).within_element("hash_policies", index));
    let (balancing, policies) = (choice(given), all(policies)).together()?;
    Ok((Arc::new(balancing), policies))
}

fn choice(given: &config::LoadBalancing) -> Checked<LoadBalancing> {
    let policy = match &given.policy {
        None => unknown("policy"),
        Some(load_balancing::Policy::RoundRobin(_)) => Ok(Policy::RoundRobin),
        Some(load_balancing::Policy::Random(_)) => Ok(Policy::Random),
        Some(load_balancing::Policy::LeastRequest(least)) => Ok(Policy::LeastRequest(LeastRequest {
            choice_count: or(least.choice_count, LeastRequest::default().choice_count),
            active_request_bias: least.active_request_bias.unwrap_or(1.0),
        })),
        Some(load_balancing::Policy::RingHash(ring)) => Ok(Policy::RingHash(RingHash {
            minimum_size: or(ring.minimum_size, RingHash::default().minimum_size),
            maximum_size: or(ring.maximum_size, RingHash::default().maximum_size),
        })),
        Some(load_balancing::Policy::Maglev(maglev)) => {
            Ok(Policy::Maglev(Maglev { table_size: or(maglev.table_size, Maglev::default().table_size) }))
        }
    };
    let slow_start = given.slow_start.as_ref().map(slow_start).transpose().within("slow_start");
    let endpoint_key = match load_balancing::EndpointKey::try_from(given.endpoint_key) {
        Ok(load_balancing::EndpointKey::AddressAndPort) => Ok(EndpointKey::AddressAndPort),
        Ok(load_balancing::EndpointKey::Address) => Ok(EndpointKey::Address),
        Err(_) => unknown("endpoint_key"),
    };
    let (policy, slow_start, endpoint_key) = (policy, slow_start, endpoint_key).together()?;
    let defaults = LoadBalancing::default();
    let balancing = LoadBalancing {
        policy,
        panic_threshold: given.panic_threshold.unwrap_or(defaults.panic_threshold),
        overprovisioning_factor: or(given.overprovisioning_factor, defaults.overprovisioning_factor),
        locality_weighted: given.locality_weighted,
        slow_start,
        endpoint_key,
    };
    balancing.validate().or_else(|error| refuse("", error.to_string()))?;
    Ok(balancing)
}

const fn or(given: u32, default: u32) -> u32 {
    if given == 0 { default } else { given }
}

fn slow_start(given: &load_balancing::SlowStart) -> Checked<SlowStart> {
    let window = positive("window", given.window)?;
    Ok(SlowStart {
        window: window.map_or_else(|| refuse("window", "must be set"), Ok)?,
        aggression: given.aggression.unwrap_or(1.0),
        min_weight_percent: given.min_weight_percent.unwrap_or(10),
    })
}

fn hash_policy(given: &config::HashPolicy) -> Checked<HashPolicy> {
    let kind = match &given.kind {
        None | Some(hash_policy::Kind::SourceIp(false)) => return unknown(""),
        Some(hash_policy::Kind::SourceIp(true)) => HashKind::SourceIp,
        Some(hash_policy::Kind::Header(name)) => HashKind::Header(header_name("header", name)?),
        Some(hash_policy::Kind::QueryParameter(name)) => HashKind::Query(name.as_str().into()),
        Some(hash_policy::Kind::Cookie(given)) => HashKind::Cookie(cookie(given).within("cookie")?),
    };
    Ok(HashPolicy { kind, terminal: given.terminal })
}

fn cookie(given: &hash_policy::Cookie) -> Checked<HashCookie> {
    let is_token = HeaderName::from_bytes(given.name.as_bytes()).is_ok();
    let name = if is_token {
        Ok(given.name.as_str().into())
    } else {
        refuse("name", format!("{:?} cannot be the name of a cookie", given.name))
    };
    let fits = HeaderValue::from_str(&given.path).is_ok() && !given.path.contains([';', ',']);
    let path = if fits {
        Ok(given.path.as_str().into())
    } else {
        refuse("path", "must not contain ';', ',' or control characters")
    };
    let (name, ttl, path) = (name, duration("ttl", given.ttl), path).together()?;
    Ok(HashCookie { name, ttl, path })
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
    let (interval, base_ejection_time, max_ejection_time) = (
        positive("interval", given.interval),
        duration("base_ejection_time", given.base_ejection_time),
        duration("max_ejection_time", given.max_ejection_time),
    )
        .together()?;
    let detection = OutlierDetection {
        interval: interval.unwrap_or(defaults.interval),
        base_ejection_time: base_ejection_time.unwrap_or(defaults.base_ejection_time),
        max_ejection_time,
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
    detection.validate().or_else(|error| refuse("", error.to_string()))?;
    Ok(detection)
}
