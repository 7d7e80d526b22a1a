use serde_json::{Value, json};

use super::{errors, refused, section_accepted, section_refused, with};

#[track_caller]
fn bad(content: Value, start: &str) {
    section_refused("loadBalancing", content, start);
}

fn hashing(settings: Value) -> Value {
    let mut content = json!({"policy": "RingHash", "hashPolicies": [{"sourceIp": true}]});
    content.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    content
}

#[test]
fn settings_belong_to_their_policy() {
    bad(json!({"ringHash": {}}), ".ringHash: Forbidden: is only for the policy RingHash, not RoundRobin");
    bad(json!({"policy": "Random", "leastRequest": {}}), ".leastRequest: Forbidden");
    bad(hashing(json!({"maglev": {}})), ".maglev: Forbidden");
    bad(json!({"policy": "LeastRequest", "hashPolicies": [{"sourceIp": true}]}), ".hashPolicies: Forbidden");
    for policy in ["RingHash", "Maglev"] {
        bad(json!({ "policy": policy }), ".hashPolicies: Required value");
        let slow = json!({"policy": policy, "hashPolicies": [{"sourceIp": true}], "slowStart": {"window": "1s"}});
        bad(slow, ".slowStart: Forbidden: is only for the policy RoundRobin and LeastRequest");
    }
    bad(json!({"policy": "Random", "slowStart": {"window": "1s"}}), ".slowStart: Forbidden");
    bad(
        json!({"policy": "round_robin"}),
        ".policy: Unsupported value: \"round_robin\": supported values: \"RoundRobin\"",
    );
}

#[test]
fn numbers() {
    let least = |settings: Value| json!({"policy": "LeastRequest", "leastRequest": settings});
    bad(least(json!({"choiceCount": 1})), ".leastRequest.choiceCount: Invalid value: 1: must be between 2 and 100");
    bad(least(json!({"activeRequestBias": -0.5})), ".leastRequest.activeRequestBias: Invalid value: -0.5");
    section_accepted("loadBalancing", least(json!({"choiceCount": 2, "activeRequestBias": 0})));
    bad(json!({"panicThreshold": 101}), ".panicThreshold: Invalid value: 101: must be between 0 and 100");
    bad(json!({"overprovisioningFactor": 99}), ".overprovisioningFactor: Invalid value: 99");
    let slow = |settings: Value| json!({ "slowStart": settings });
    bad(slow(json!({})), ".slowStart.window: Required value");
    bad(slow(json!({"window": "0s"})), ".slowStart.window: Invalid value: \"0s\": must be greater than 0");
    bad(slow(json!({"window": "1s", "aggression": 0})), ".slowStart.aggression: Invalid value: \"0\": must be greater");
    bad(slow(json!({"window": "1s", "minWeightPercent": 101})), ".slowStart.minWeightPercent: Invalid value: 101");
}

#[test]
fn sizes_of_rings_and_tables() {
    bad(hashing(json!({"ringHash": {"minimumSize": 0}})), ".ringHash.minimumSize: Invalid value: 0");
    bad(hashing(json!({"ringHash": {"maximumSize": 8_388_609}})), ".ringHash.maximumSize: Invalid value: 8388609");
    let crossed = hashing(json!({"ringHash": {"maximumSize": 1000}}));
    bad(crossed, ".ringHash.maximumSize: Invalid value: \"1000\": must not be below minimumSize, 1024");
    section_accepted("loadBalancing", hashing(json!({"ringHash": {"minimumSize": 1, "maximumSize": 1}})));
    let table = |size: u64| hashing(json!({"policy": "Maglev", "maglev": {"tableSize": size}}));
    for prime in [2, 3, 5, 251, 65537, 5_000_011] {
        section_accepted("loadBalancing", table(prime));
    }
    for other in [0, 1, 4, 9, 65536, 4_999_998] {
        bad(table(other), &format!(".maglev.tableSize: Invalid value: \"{other}\": must be a prime number"));
    }
    bad(table(5_000_012), ".maglev.tableSize: Invalid value: 5000012: must be between 2 and 5000011");
    bad(table(u64::from(u32::MAX)), ".maglev.tableSize: Invalid value: 4294967295");
}

#[test]
fn each_hash_policy_is_of_one_thing() {
    let hash = |policy: Value| hashing(json!({ "hashPolicies": [policy] }));
    for good in [
        json!({"header": "X-User", "terminal": true}),
        json!({"cookie": {"name": "s"}}),
        json!({"cookie": {"name": "s", "ttl": "0s", "path": "/a"}}),
        json!({"queryParameter": "user id"}),
    ] {
        section_accepted("loadBalancing", hash(good));
    }
    let at = ".hashPolicies[0]";
    bad(hash(json!({})), &format!("{at}: Required value: one of header, cookie, sourceIp, queryParameter"));
    bad(hash(json!({"sourceIp": false})), &format!("{at}: Required value"));
    let two = json!({"header": "a", "sourceIp": true});
    bad(hash(two), &format!("{at}.sourceIp: Forbidden: header and sourceIp cannot be specified together"));
    bad(hash(json!({"header": "a b"})), &format!("{at}.header: Invalid value"));
    bad(hash(json!({"cookie": {}})), &format!("{at}.cookie.name: Required value"));
    bad(hash(json!({"cookie": {"name": "s", "path": "/"}})), &format!("{at}.cookie.path: Forbidden"));
    bad(hash(json!({"cookie": {"name": "s", "ttl": "1500ms"}})), &format!("{at}.cookie.ttl: Invalid value"));
    bad(
        hash(json!({"cookie": {"name": "s", "ttl": "1s", "path": "/;a"}})),
        &format!("{at}.cookie.path: Invalid value"),
    );
    bad(hash(json!({"queryParameter": ""})), &format!("{at}.queryParameter: Required value"));
}

#[test]
fn endpoints_are_named_once() {
    let bad = |list: Value, start: &str| section_refused("endpoints", list, start);
    section_accepted("endpoints", json!([{"fqdn": "a.example", "weight": 1}, {"ip": "::1", "priority": 127}]));
    bad(json!([{}]), "[0]: Required value: one of fqdn and ip");
    bad(json!([{"ip": "::1", "fqdn": "a"}]), "[0].ip: Forbidden");
    bad(json!([{"ip": "a"}]), "[0].ip: Invalid value: \"a\": must be an IPv4 or IPv6 address");
    bad(json!([{"fqdn": "A"}]), "[0].fqdn: Invalid value");
    bad(json!([{"ip": "::1"}, {"ip": "0:0::1"}]), "[1].ip: Duplicate value: \"0:0::1\"");
    bad(json!([{"fqdn": "a", "weight": 0}]), "[0].weight: Invalid value: 0: must be between 1 and 1000000");
    bad(json!([{"fqdn": "a", "priority": 128}]), "[0].priority: Invalid value: 128");
    bad(json!([{"fqdn": "a", "health": "Sick"}]), "[0].health: Unsupported value: \"Sick\"");
    let many: Vec<Value> = (0..1001).map(|n| json!({"fqdn": format!("n{n}")})).collect();
    bad(json!(many), ": Too many: 1001");
}

#[test]
fn localities_have_one_weight_where_they_are_weighed() {
    let spec = |list: Value| with(json!({"loadBalancing": {"localityWeighted": true}, "endpoints": list}));
    let at = |name: &str, zone: &str, weight: u32| json!({"fqdn": name, "locality": {"zone": zone, "weight": weight}});
    assert!(errors(spec(json!([at("a", "x", 0), at("b", "y", 5), at("c", "x", 0)]))).is_empty());
    let below = json!({"fqdn": "b", "priority": 1, "locality": {"zone": "x", "weight": 3}});
    assert!(errors(spec(json!([at("a", "x", 2), below]))).is_empty(), "each priority weighs for itself");
    refused(
        spec(json!([at("a", "x", 2), at("b", "x", 3)])),
        "spec.endpoints[1].locality.weight: Invalid value: \"3\": another endpoint of this locality",
    );
    refused(spec(json!([{"fqdn": "a", "locality": {"weight": 1}}])), "spec.endpoints[0].locality: Required value");
    section_refused("endpoints", json!([at("a", "x", 2)]), "[0].locality.weight: Forbidden: has no effect without");
    section_accepted("endpoints", json!([{"fqdn": "a", "locality": {"region": "r"}}]));
}

#[test]
fn srv_records() {
    let srv = |srv: Value| json!({ "srv": srv });
    section_accepted("discovery", srv(json!({"service": "http"})));
    section_accepted("discovery", srv(json!({"service": "http", "protocol": "udp"})));
    section_accepted("discovery", json!({"dnsLookupFamily": "v6_preferred"}));
    let both = json!({"dnsLookupFamily": "all", "srv": {"service": "http"}});
    section_refused("discovery", both, ".dnsLookupFamily: Forbidden");
    section_accepted("discovery", json!({"maxStale": "10m", "maxAbsent": "0s"}));
    section_accepted("discovery", json!({"maxAbsent": "1h"}));
    section_refused("discovery", json!({"maxAbsent": "soon", "maxStale": "1s"}), ".maxAbsent: Invalid value");
    section_refused("discovery", json!({"maxStale": "-1s", "maxAbsent": "1s"}), ".maxStale: Invalid value");
    section_refused(
        "discovery",
        json!({}),
        ".srv: Required value: at least one of srv, dnsLookupFamily, maxStale and maxAbsent",
    );
    section_refused("discovery", srv(json!({})), ".srv.service: Required value");
    section_refused("discovery", srv(json!({"service": "_http"})), ".srv.service: Invalid value");
    section_refused("discovery", srv(json!({"service": "a", "protocol": "t.cp"})), ".srv.protocol: Invalid value");
    section_refused("discovery", srv(json!({"service": "a".repeat(63)})), ".srv.service: Too long");
}

#[test]
fn outliers() {
    let bad = |content: Value, start: &str| section_refused("outlierDetection", content, start);
    bad(json!({"interval": "9ms"}), ".interval: Invalid value: \"9ms\": must be at least 10ms");
    bad(json!({"baseEjectionTime": "0s"}), ".baseEjectionTime: Invalid value");
    bad(
        json!({"baseEjectionTime": "2s", "maxEjectionTime": "1s"}),
        ".maxEjectionTime: Invalid value: \"1s\": must not be shorter than baseEjectionTime, 2s",
    );
    bad(json!({"maxEjectionPercent": 101}), ".maxEjectionPercent: Invalid value");
    bad(json!({"consecutiveLocalOriginFailure": 1}), ".consecutiveLocalOriginFailure: Forbidden");
    section_accepted("outlierDetection", json!({"consecutiveLocalOriginFailure": 0, "splitLocalOrigin": true}));
    bad(json!({"successRate": {"minimumHosts": 0}}), ".successRate.minimumHosts: Invalid value: 0");
    bad(json!({"successRate": {"enabled": false, "stdevFactor": 1}}), ".successRate.stdevFactor: Forbidden");
    bad(json!({"failurePercentage": {"threshold": 0}}), ".failurePercentage.threshold: Invalid value: 0");
    bad(json!({"failurePercentage": {"threshold": 101}}), ".failurePercentage.threshold: Invalid value: 101");
    bad(json!({"failurePercentage": {"requestVolume": 0}}), ".failurePercentage.requestVolume: Invalid value: 0");
}
