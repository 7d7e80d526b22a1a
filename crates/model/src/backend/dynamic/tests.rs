use std::time::Duration;

use backstay_destination::lookup::{FailureBackoff, Family, Settings};
use backstay_proto::config::address_rules::PortRange;
use backstay_proto::config::{AddressRules, DnsCache, DynamicForward};

use super::discovery;
use crate::{Discovery, Faults, LoopGuard};

fn settings(cache: DnsCache, rules: Option<AddressRules>) -> Result<Settings, Faults> {
    let forward = DynamicForward { dns_cache: Some(cache), address_rules: rules, ..DynamicForward::default() };
    match discovery(&forward)? {
        Discovery::Dynamic(dynamic) => Ok(dynamic.settings),
        Discovery::Static(_) => panic!("not dynamic"),
    }
}

fn fields(faults: Faults) -> Vec<String> {
    faults.into_iter().map(|fault| fault.field).collect()
}

fn time(milliseconds: u32) -> Option<prost_types::Duration> {
    let nanos = i32::try_from(milliseconds % 1000).unwrap() * 1_000_000;
    Some(prost_types::Duration { seconds: (milliseconds / 1000).into(), nanos })
}

fn networks(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_not_said_is_envoys_but_for_what_is_denied() {
    let plain = settings(DnsCache::default(), None).unwrap();
    assert_eq!(plain, Settings::default());
    assert!(!plain.rules.permits_address("127.0.0.1".parse().unwrap()));
    assert!(!plain.rules.permits_address("169.254.169.254".parse().unwrap()));
    assert!(plain.rules.permits_address("10.0.0.1".parse().unwrap()));
    let strict = settings(DnsCache { strict_auto: true, ..DnsCache::default() }, None).unwrap();
    assert_eq!((plain.family, strict.family), (Family::Auto, Family::StrictAuto));
}

#[test]
fn limits_and_waits() {
    let cache = DnsCache {
        max_hosts: 7,
        max_pending_requests: 3,
        max_stale: time(90_000),
        max_absent: time(1_500),
        failure_base: time(500),
        ..DnsCache::default()
    };
    let found = settings(cache, None).unwrap();
    assert_eq!((found.max_hosts, found.max_negative_hosts, found.max_pending_requests), (7, 7, 3));
    assert_eq!(found.max_stale, Some(Duration::from_secs(90)));
    assert_eq!(found.max_absent, Some(Duration::from_millis(1_500)));
    let backoff =
        |base, max| Some(FailureBackoff { base: Duration::from_millis(base), max: Duration::from_millis(max) });
    assert_eq!(found.failure_backoff, backoff(500, 5000), "ten times the base");
    for (base, max, expected) in [
        (time(500), time(700), backoff(500, 700)),
        (None, time(90_000), backoff(60_000, 90_000)),
        (None, time(1000), backoff(1000, 1000)),
        (None, None, None),
    ] {
        let cache = DnsCache { failure_base: base, failure_max: max, ..DnsCache::default() };
        assert_eq!(settings(cache, None).unwrap().failure_backoff, expected);
    }
    let none_kept = DnsCache { max_failed_hosts: Some(0), ..DnsCache::default() };
    assert_eq!(settings(none_kept, None).unwrap().max_negative_hosts, 0);
}

#[test]
fn passes() {
    let guard = |id: &str, max_passes: Option<u32>| {
        let forward = DynamicForward { loop_id: id.to_owned(), max_passes, ..DynamicForward::default() };
        match discovery(&forward) {
            Ok(Discovery::Dynamic(dynamic)) => Ok(dynamic.loops),
            Ok(Discovery::Static(_)) => panic!("not dynamic"),
            Err(faults) => Err(fields(faults)),
        }
    };
    let expected = |id: &str, passes: u32| Ok(Some(LoopGuard::new(id, passes.try_into().unwrap()).unwrap()));
    assert_eq!(guard("", None), expected("backstay", 3), "nobody has to ask for it");
    assert_eq!(guard("backstay-1", Some(7)), expected("backstay-1", 7));
    assert_eq!(guard("backstay-1", Some(0)), Ok(None));
    for id in ["a, b", "a;b", "a b", "\u{e9}", "\""] {
        assert_eq!(guard(id, None), Err(vec!["loop_id".to_owned()]), "{id}");
    }
}

#[test]
fn rules() {
    let rules = AddressRules {
        allow: networks(&["127.0.0.0/8"]),
        deny: networks(&["8.8.8.8"]),
        deny_private: true,
        ports: vec![PortRange { start: 443, end: 443 }],
    };
    let rules = settings(DnsCache::default(), Some(rules)).unwrap().rules;
    for (address, permitted) in [
        ("127.0.0.1:443", true),
        ("127.0.0.1:80", false),
        ("8.8.8.8:443", false),
        ("10.0.0.1:443", false),
        ("9.9.9.9:443", true),
    ] {
        assert_eq!(rules.permits(address.parse().unwrap()), permitted, "{address}");
    }
}

#[test]
fn faults_name_their_field() {
    let range = |start, end| AddressRules { ports: vec![PortRange { start, end }], ..AddressRules::default() };
    for (rules, field) in [
        (AddressRules { allow: networks(&["10.0.0.0/8", "x"]), ..AddressRules::default() }, "address_rules.allow[1]"),
        (AddressRules { deny: networks(&["10.0.0.0/99"]), ..AddressRules::default() }, "address_rules.deny[0]"),
        (range(0, 80), "address_rules.ports[0].start"),
        (range(80, 65_536), "address_rules.ports[0].end"),
        (range(80, 79), "address_rules.ports[0].end"),
    ] {
        assert_eq!(fields(settings(DnsCache::default(), Some(rules)).unwrap_err()), [field]);
    }
    for (cache, field) in [
        (DnsCache { failure_base: time(0), ..DnsCache::default() }, "dns_cache.failure_base"),
        (DnsCache { failure_base: time(9), failure_max: time(8), ..DnsCache::default() }, "dns_cache.failure_max"),
        (
            DnsCache { max_stale: Some(prost_types::Duration { seconds: -1, nanos: 0 }), ..DnsCache::default() },
            "dns_cache.max_stale",
        ),
    ] {
        assert_eq!(fields(settings(cache, None).unwrap_err()), [field]);
    }
}
