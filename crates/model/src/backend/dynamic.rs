//! A backend that goes where requests say.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

use backstay_destination::lookup::{FailureBackoff, Family, Settings};
use backstay_destination::{AddressRules, HostPattern, Network, NetworkError};
use backstay_proto::config::{self, DnsCache, DynamicForward, address_rules, dns_cache};

use super::{Allowed, Discovery, DynamicDiscovery, LoopGuard};
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::scalar::{duration, positive};

#[cfg(test)]
mod tests;

/// Waits after failures grow to so many times their base, where nothing says how far. As Envoy's.
const BACKOFF_FACTOR: u32 = 10;

/// What a backend is called in marks, where nothing says.
const LOOP_ID: &str = "backstay";

pub(super) fn discovery(forward: &DynamicForward) -> Checked<Discovery> {
    let rules = forward.address_rules.as_ref().map(address_rules).transpose().within("address_rules");
    let settings = settings(forward.dns_cache.as_ref()).within("dns_cache");
    let (settings, rules, allowed, loops) = (settings, rules, allowed(forward), loops(forward)).together()?;
    let settings = match rules {
        Some(rules) => Settings { rules: Arc::new(rules), ..settings },
        None => settings,
    };
    Ok(Discovery::Dynamic(Box::new(DynamicDiscovery { settings, allowed, loops })))
}

fn allowed(forward: &DynamicForward) -> Checked<Allowed> {
    if forward.allowed_names.is_empty() {
        return Ok(Allowed::All);
    }
    let names = forward.allowed_names.iter().enumerate().map(|(index, name)| {
        let field = format!("allowed_names[{index}]");
        match HostPattern::parse(name) {
            // An empty entry must not open what the list is there to close.
            Ok(HostPattern::Any) => refuse(field, "must be a name, or \"*.\" and a name"),
            Ok(pattern) => Ok(pattern),
            Err(error) => refuse(field, error.to_string()),
        }
    });
    all(names).map(Allowed::Only)
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
    LoopGuard::new(id, max_passes).map(Some).or_else(|error| refuse("loop_id", error.to_string()))
}

fn settings(cache: Option<&DnsCache>) -> Checked<Settings> {
    let mut settings = Settings::default();
    let Some(cache) = cache else {
        return Ok(settings);
    };
    let family = match family(cache.lookup_family) {
        Some(Family::Auto) if cache.strict_auto => Ok(Family::StrictAuto),
        Some(family) => Ok(family),
        None => unknown("lookup_family"),
    };
    let (family, refresh_rate, min_refresh_rate, query_timeout, host_ttl, stale, failure) = (
        family,
        duration("refresh_rate", cache.refresh_rate),
        duration("min_refresh_rate", cache.min_refresh_rate),
        duration("query_timeout", cache.query_timeout),
        duration("host_ttl", cache.host_ttl),
        (duration("max_stale", cache.max_stale), duration("max_absent", cache.max_absent)).together(),
        (positive("failure_base", cache.failure_base), positive("failure_max", cache.failure_max)).together(),
    )
        .together()?;
    settings.family = family;
    settings.refresh_rate = refresh_rate.unwrap_or(settings.refresh_rate);
    settings.min_refresh_rate = min_refresh_rate.unwrap_or(settings.min_refresh_rate);
    settings.query_timeout = query_timeout.unwrap_or(settings.query_timeout);
    settings.host_ttl = host_ttl.unwrap_or(settings.host_ttl);
    (settings.max_stale, settings.max_absent) = stale;
    if cache.max_hosts > 0 {
        settings.max_hosts = count(cache.max_hosts);
    }
    if cache.max_pending_requests > 0 {
        settings.max_pending_requests = count(cache.max_pending_requests);
    }
    settings.max_negative_hosts = cache.max_failed_hosts.map_or(settings.max_hosts, count);
    // Waits after failures; what is not said of them follows from what is.
    settings.failure_backoff = match failure {
        (None, None) => None,
        (Some(base), Some(max)) if max < base => return refuse("failure_max", "must be at least failure_base"),
        (Some(base), max) => {
            Some(FailureBackoff { base, max: max.unwrap_or_else(|| base.saturating_mul(BACKOFF_FACTOR)) })
        }
        (None, Some(max)) => Some(FailureBackoff { base: settings.refresh_rate.min(max), max }),
    };
    all::<(), ()>(settings.faults().map(|error| refuse(error.field, format!("must be {}", error.rule))))?;
    Ok(settings)
}

/// How names are looked up; `None` for a way that this program does not know.
pub(super) fn family(given: i32) -> Option<Family> {
    Some(match dns_cache::LookupFamily::try_from(given).ok()? {
        dns_cache::LookupFamily::Auto => Family::Auto,
        dns_cache::LookupFamily::V4Only => Family::V4Only,
        dns_cache::LookupFamily::V6Only => Family::V6Only,
        dns_cache::LookupFamily::V4Preferred => Family::V4Preferred,
        // What Envoy calls AUTO.
        dns_cache::LookupFamily::V6Preferred => Family::StrictAuto,
        dns_cache::LookupFamily::All => Family::All,
    })
}

fn address_rules(rules: &config::AddressRules) -> Checked<AddressRules> {
    let ranges = rules.ports.iter().enumerate().map(|(index, range)| ports(range).within_element("ports", index));
    let (allow, deny, ports) =
        (networks("allow", &rules.allow), networks("deny", &rules.deny), all(ranges)).together()?;
    Ok(AddressRules { allow, deny, deny_private: rules.deny_private, ports })
}

fn networks(field: &str, texts: &[String]) -> Checked<Vec<Network>> {
    all(texts.iter().enumerate().map(|(index, text)| {
        text.parse().or_else(|error: NetworkError| refuse(format!("{field}[{index}]"), error.to_string()))
    }))
}

fn ports(range: &address_rules::PortRange) -> Checked<RangeInclusive<u16>> {
    let port = |field, value: u32| match u16::try_from(value) {
        Ok(port) if port > 0 => Ok(port),
        _ => refuse(field, "must be 1 to 65535"),
    };
    let (start, end) = (port("start", range.start), port("end", range.end)).together()?;
    if start > end {
        return refuse("end", "must not be below start");
    }
    Ok(start..=end)
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
