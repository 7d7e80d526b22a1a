//! `qos/ratelimit/proxy`.

use backstay_proto::config;

use crate::compile::written::Component;
use crate::duration;

/// KrakenD makes a rate for each second of it first, and takes that for the capacity where none is given: whole tokens, at least one.
pub(super) fn compile(component: Component<'_>) -> Option<config::RateLimit> {
    let number = |name: &str| component.option(name).and_then(|entry| entry.node.number()).unwrap_or_default();
    let rate = number("max_rate");
    if rate <= 0.0 || !rate.is_finite() {
        return None;
    }
    // What is no duration does not count: a second then, as it is where nothing is said.
    let every = component
        .option("every")
        .and_then(|entry| entry.node.text())
        .and_then(|text| duration::parse(text).ok())
        .filter(|every| !every.is_zero())
        .unwrap_or(std::time::Duration::from_secs(1));
    let a_second = rate / every.as_secs_f64();
    let capacity = Some(number("capacity")).filter(|capacity| *capacity >= 1.0).unwrap_or(a_second).max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is bounded")]
    let capacity = capacity.clamp(1.0, 9e18) as u64;
    Some(config::RateLimit {
        key: component.identity(),
        rate,
        every: prost_types::Duration::try_from(every).ok(),
        capacity,
    })
}
