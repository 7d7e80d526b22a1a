//! Dynamic proxying, as a policy has it.

use std::sync::Arc;
use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_resources::GoDuration;
use backstay_resources::backstay::{AddressRules, DnsPolicy, DynamicProxyPolicy, PortRange};

use super::{Misfit, span};

/// What the longest wait after failed lookups is to the first one, unless the policy says so; as in Envoy.
const FAILURE_FACTOR: u32 = 10;

/// Adds the settings of a policy to a Backend with dynamicProxy.
pub(super) fn extend(
    given: &DynamicProxyPolicy,
    backend: &Arc<str>,
    forward: &mut config::DynamicForward,
    misfits: &mut Vec<Misfit>,
) {
    if let Some(rules) = &given.addresses {
        forward.address_rules = Some(address_rules(rules));
    }
    forward.max_passes = given.max_passes;
    if let (Some(given), Some(cache)) = (&given.dns, &mut forward.dns_cache) {
        dns_cache(given, backend, cache, misfits);
    }
}

fn address_rules(given: &AddressRules) -> config::AddressRules {
    let number = |port: i32| u32::try_from(port).unwrap_or_default();
    let range = |range: &PortRange| config::address_rules::PortRange {
        start: number(range.start),
        end: number(range.end.unwrap_or(range.start)),
    };
    config::AddressRules {
        allow: given.allow.clone(),
        deny: given.deny.clone(),
        deny_private: given.deny_private,
        ports: given.ports.iter().map(range).collect(),
    }
}

fn dns_cache(given: &DnsPolicy, backend: &Arc<str>, cache: &mut config::DnsCache, misfits: &mut Vec<Misfit>) {
    cache.max_stale = span(given.max_stale);
    cache.max_absent = span(given.max_absent);
    cache.max_pending_requests = given.max_pending_requests.unwrap_or_default();
    cache.max_failed_hosts = given.max_failed_hosts;
    if given.strict_auto && cache.lookup_family != i32::from(LookupFamily::Auto) {
        misfits.push(Misfit::NotAuto(backend.clone()));
    } else {
        cache.strict_auto = given.strict_auto;
    }
    match (given.failure_base, given.failure_max) {
        (Some(base), max) => {
            cache.failure_base = span(Some(base));
            let most = max.unwrap_or_else(|| GoDuration(base.0.saturating_mul(FAILURE_FACTOR)));
            cache.failure_max = span(Some(most));
        }
        (None, Some(max)) => {
            let first = cache.refresh_rate.and_then(|rate| Duration::try_from(rate).ok()).unwrap_or_default();
            if max.0 < first {
                misfits.push(Misfit::ShortFailureMax(backend.clone(), GoDuration(first)));
            } else {
                cache.failure_max = span(Some(max));
            }
        }
        (None, None) => {}
    }
}
