//! A backend that goes where requests say.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

use backstay_dns_cache::{AddressRules, FailureBackoff, Family, Network, Settings};
use backstay_proto::config::{self, DnsCache, DynamicForward, address_rules, dns_cache};

use super::backend::DiscoveryPlan;
use super::fault::{Checked, Fault, Within};
use super::time::{duration, positive};
use crate::config::{Allowed, HostPattern, LoopGuard};

#[cfg(test)]
mod tests;

/// Waits after failures grow to so many times their base, where nothing says how far. As Envoy's.
const BACKOFF_FACTOR: u32 = 10;

/// What a backend is called in marks, where nothing says.
const LOOP_ID: &str = "backstay";

pub(super) fn discovery(forward: &DynamicForward) -> Checked<DiscoveryPlan> {
    let mut settings = settings(forward.dns_cache.as_ref()).within("dns_cache")?;
    if let Some(rules) = &forward.address_rules {
        settings.rules = Arc::new(address_rules(rules).within("address_rules")?);
    }
    let allowed = if forward.allowed_names.is_empty() {
        Allowed::All
    } else {
        let names = forward.allowed_names.iter().enumerate().map(|(index, name)| match HostPattern::parse(name) {
            // An empty entry must not open what the list is there to close.
            Ok(HostPattern::Any) => {
                Err(Fault::new(format!("allowed_names[{index}]"), "must be a name, or \"*.\" and a name"))
            }
            Ok(pattern) => Ok(pattern),
            Err(error) => Err(Fault::new(format!("allowed_names[{index}]"), error.to_string())),
        });
        Allowed::Only(names.collect::<Checked<_>>()?)
    };
    Ok(DiscoveryPlan::Dynamic { settings, allowed, loops: loops(forward)? })
}

fn loops(forward: &DynamicForward) -> Checked<Option<LoopGuard>> {
    let id = if forward.loop_id.is_empty() { LOOP_ID } else { forward.loop_id.as_str() };
    let max_passes = match forward.max_passes {
        None => LoopGuard::MAX_PASSES,
        Some(passes) => match NonZeroU32::new(passes) {
            Some(passes) => passes,
            None => return Ok(None),
        },
    };
    let guard = LoopGuard::new(id, max_passes);
    Ok(Some(guard.map_err(|error| Fault::new("loop_id", error.to_string()))?))
}

fn settings(cache: Option<&DnsCache>) -> Checked<Settings> {
    let mut settings = Settings::default();
    let Some(cache) = cache else {
        return Ok(settings);
    };
    settings.family = match dns_cache::LookupFamily::try_from(cache.lookup_family) {
        Ok(dns_cache::LookupFamily::Auto) if cache.strict_auto => Family::StrictAuto,
        Ok(dns_cache::LookupFamily::Auto) => Family::Auto,
        Ok(dns_cache::LookupFamily::V4Only) => Family::V4Only,
        Ok(dns_cache::LookupFamily::V6Only) => Family::V6Only,
        Ok(dns_cache::LookupFamily::V4Preferred) => Family::V4Preferred,
        Ok(dns_cache::LookupFamily::All) => Family::All,
        Err(_) => return Err(Fault::unknown("lookup_family")),
    };
    for (field, to, value) in [
        ("refresh_rate", &mut settings.refresh_rate, cache.refresh_rate),
        ("min_refresh_rate", &mut settings.min_refresh_rate, cache.min_refresh_rate),
        ("query_timeout", &mut settings.query_timeout, cache.query_timeout),
        ("host_ttl", &mut settings.host_ttl, cache.host_ttl),
    ] {
        if let Some(value) = duration(field, value)? {
            *to = value;
        }
    }
    if cache.max_hosts > 0 {
        settings.max_hosts = count(cache.max_hosts);
    }
    if cache.max_pending_requests > 0 {
        settings.max_pending_requests = count(cache.max_pending_requests);
    }
    settings.max_negative_hosts = cache.max_failed_hosts.map_or(settings.max_hosts, count);
    settings.max_stale = duration("max_stale", cache.max_stale)?;
    settings.failure_backoff = backoff(cache, &settings)?;
    settings.check().map_err(|error| Fault::new(error.field, format!("must be {}", error.rule)))?;
    Ok(settings)
}

/// Waits after failures; what is not said of them follows from what is.
fn backoff(cache: &DnsCache, settings: &Settings) -> Checked<Option<FailureBackoff>> {
    let base = positive("failure_base", cache.failure_base)?;
    let max = positive("failure_max", cache.failure_max)?;
    match (base, max) {
        (None, None) => Ok(None),
        (Some(base), Some(max)) if max < base => Err(Fault::new("failure_max", "must be at least failure_base")),
        (Some(base), max) => {
            Ok(Some(FailureBackoff { base, max: max.unwrap_or_else(|| base.saturating_mul(BACKOFF_FACTOR)) }))
        }
        (None, Some(max)) => Ok(Some(FailureBackoff { base: settings.refresh_rate.min(max), max })),
    }
}

fn address_rules(rules: &config::AddressRules) -> Checked<AddressRules> {
    Ok(AddressRules {
        allow: networks("allow", &rules.allow)?,
        deny: networks("deny", &rules.deny)?,
        deny_private: rules.deny_private,
        ports: rules
            .ports
            .iter()
            .enumerate()
            .map(|(index, range)| ports(range).within_element("ports", index))
            .collect::<Checked<_>>()?,
    })
}

fn networks(field: &str, texts: &[String]) -> Checked<Vec<Network>> {
    let parse = |(index, text): (usize, &String)| {
        text.parse().map_err(|error: backstay_dns_cache::NetworkError| {
            Fault::new(format!("{field}[{index}]"), error.to_string())
        })
    };
    texts.iter().enumerate().map(parse).collect()
}

fn ports(range: &address_rules::PortRange) -> Checked<RangeInclusive<u16>> {
    let port = |field, value: u32| {
        u16::try_from(value).ok().filter(|port| *port > 0).ok_or_else(|| Fault::new(field, "must be 1 to 65535"))
    };
    let (start, end) = (port("start", range.start)?, port("end", range.end)?);
    if start > end {
        return Err(Fault::new("end", "must not be below start"));
    }
    Ok(start..=end)
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
