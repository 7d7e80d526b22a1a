use backstay_proto::config;
use backstay_proto::config::address_rules;
use backstay_proto::config::backend::Discovery;
use serde_json::{Value, json};

use super::super::backend_of;
use super::{compiled, span};

#[test]
fn dynamic_proxies() {
    let backend = || backend_of("api", json!({"dynamicProxy": {"dnsCacheConfig": {}}}));
    let forward = |settings: Value| match compiled(backend(), json!({ "dynamicProxy": settings })).discovery {
        Some(Discovery::DynamicForward(forward)) => forward,
        other => panic!("{other:?}"),
    };
    let rules = forward(json!({"addresses": {
        "allow": ["10.0.0.0/8"], "deny": ["192.0.2.0/24"], "denyPrivate": true,
        "ports": [{"start": 443}, {"start": 8000, "end": 8010}]
    }}));
    let expected = config::AddressRules {
        allow: vec!["10.0.0.0/8".to_owned()],
        deny: vec!["192.0.2.0/24".to_owned()],
        deny_private: true,
        ports: vec![
            address_rules::PortRange { start: 443, end: 443 },
            address_rules::PortRange { start: 8000, end: 8010 },
        ],
    };
    assert_eq!(rules.address_rules, Some(expected));
    let passes = |settings: Value| forward(settings).max_passes;
    assert_eq!(
        (passes(json!({})), passes(json!({"maxPasses": 0})), passes(json!({"maxPasses": 5}))),
        (None, Some(0), Some(5))
    );
    let cache = |settings: Value| forward(json!({ "dns": settings })).dns_cache.unwrap();
    let full = cache(json!({
        "failureBase": "1s", "failureMax": "2s", "maxStale": "0s", "maxAbsent": "3s", "maxPendingRequests": 4, "maxFailedHosts": 0,
        "strictAuto": true
    }));
    assert_eq!((full.failure_base, full.failure_max), (span(1000), span(2000)));
    assert_eq!((full.max_stale, full.max_absent), (span(0), span(3000)));
    assert_eq!((full.max_pending_requests, full.max_failed_hosts, full.strict_auto), (4, Some(0), true));
    assert_eq!(full.refresh_rate, span(60_000), "the Backend's own");
    assert_eq!(cache(json!({"failureBase": "7ms"})).failure_max, span(70));
    let other = cache(json!({"failureMax": "90s"}));
    assert_eq!((other.failure_base, other.failure_max), (None, span(90_000)));
}
