//! What each section of a policy compiles to.

mod dynamic;
mod names;

use backstay_proto::config;
use backstay_proto::config::backend::Discovery;
use backstay_proto::config::endpoint::{Health, Host};
use backstay_proto::config::{connections, hash_policy, health_check, host_rewrite, limits};
use backstay_proto::config::{load_balancing, outlier_detection};
use serde_json::{Value, json};

use super::{CERTIFICATE, World, backend_of, class, plain_gateway, policy, simple_route};

const CREATED: &str = "2024-05-01T10:00:00Z";

fn span(millis: u32) -> Option<prost_types::Duration> {
    let nanos = i32::try_from(millis % 1000).unwrap() * 1_000_000;
    Some(prost_types::Duration { seconds: i64::from(millis / 1000), nanos })
}

fn world(backend: Value, sections: Value) -> (World, Value) {
    let mut spec = json!({"targetRefs": [{"name": "api"}]});
    spec.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
    let p = policy("p", CREATED, spec);
    let world = World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api"), backend, p.clone()]);
    (world, p)
}

#[track_caller]
fn compiled(backend: Value, sections: Value) -> config::Backend {
    let (world, p) = world(backend, sections);
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted", "{}", world.message(&p, "Accepted"));
    world.backend("api")
}

fn fixed() -> Value {
    let endpoints = json!([{"fqdn": "a.example"}, {"ip": "2001:db8:0::1"}, {"fqdn": "c.example"}]);
    backend_of("api", json!({"endpoints": endpoints, "protocol": "h2"}))
}

fn endpoints(backend: config::Backend) -> Vec<config::Endpoint> {
    match backend.discovery {
        Some(Discovery::Static(list)) => list.endpoints,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_policy_changes_nothing() {
    let alone = World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api"), fixed()]).backend("api");
    assert_eq!(compiled(fixed(), json!({})), alone);
}

#[test]
fn tls() {
    let api = compiled(
        fixed(),
        json!({"tls": {
            "sni": "a.example", "verifiedName": "b.example", "caCertificate": CERTIFICATE, "minVersion": "1.2",
            "maxVersion": "1.3", "ciphers": ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"], "alpn": ["h2"]
        }}),
    );
    let expected = config::ClientTls {
        sni: "a.example".to_owned(),
        verified_name: "b.example".to_owned(),
        ca_bundle: CERTIFICATE.into(),
        min_version: config::client_tls::Version::Tls12.into(),
        max_version: config::client_tls::Version::Tls13.into(),
        cipher_suites: vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned(), "TLS_AES_128_GCM_SHA256".to_owned()],
        alpn: vec!["h2".to_owned()],
        ..config::ClientTls::default()
    };
    assert_eq!(api.tls, Some(expected));
}

#[test]
fn what_is_not_verified_is_warned_of() {
    let (mut world, p) = world(fixed(), json!({"tls": {"insecureSkipVerify": true}}));
    assert!(world.backend("api").tls.unwrap().skip_verification);
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
    assert_eq!(world.condition(&p, "Insecure"), "True VerificationSkipped");
    assert!(world.message(&p, "Insecure").contains("any certificate is accepted"));
    let sound = policy("p", CREATED, json!({"targetRefs": [{"name": "api"}], "tls": {}}));
    world.set(sound);
    assert_eq!(world.condition(&p, "Insecure"), "absent");
    assert!(!world.backend("api").tls.unwrap().skip_verification);
}

#[test]
fn timeouts_and_hosts() {
    let api = compiled(
        fixed(),
        json!({
            "timeouts": {"connect": "1s", "idle": "2s", "firstByte": "3s", "betweenBytes": "4s", "total": "5s", "endOnSilence": true},
            "host": {"literal": "a.example:8443"},
        }),
    );
    let expected = config::Timeouts {
        connect: span(1000),
        idle: span(2000),
        first_byte: span(3000),
        between_bytes: span(4000),
        total: span(5000),
        end_on_silence: true,
    };
    assert_eq!(api.timeouts, Some(expected));
    assert_eq!(api.host.unwrap().kind, Some(host_rewrite::Kind::Literal("a.example:8443".to_owned())));
    let api = compiled(fixed(), json!({"host": {"automatic": true}}));
    assert_eq!(api.host.unwrap().kind, Some(host_rewrite::Kind::Automatic(true)));
}

#[test]
fn policies_of_choice() {
    use load_balancing::{LeastRequest, Maglev, Policy, Random, RingHash, RoundRobin};
    let hash = json!([{"sourceIp": true}]);
    let cases = [
        (json!({}), Policy::RoundRobin(RoundRobin {})),
        (json!({"policy": "Random"}), Policy::Random(Random {})),
        (
            json!({"policy": "LeastRequest", "leastRequest": {"choiceCount": 3, "activeRequestBias": 0}}),
            Policy::LeastRequest(LeastRequest { choice_count: 3, active_request_bias: Some(0.0) }),
        ),
        (
            json!({"policy": "RingHash", "ringHash": {"minimumSize": 5, "maximumSize": 9}, "hashPolicies": hash}),
            Policy::RingHash(RingHash { minimum_size: 5, maximum_size: 9 }),
        ),
        (
            json!({"policy": "Maglev", "maglev": {"tableSize": 251}, "hashPolicies": hash}),
            Policy::Maglev(Maglev { table_size: 251 }),
        ),
        (json!({"policy": "Maglev", "hashPolicies": hash}), Policy::Maglev(Maglev { table_size: 0 })),
    ];
    for (settings, expected) in cases {
        let api = compiled(fixed(), json!({ "loadBalancing": settings }));
        assert_eq!(api.load_balancing.unwrap().policy, Some(expected));
    }
}

#[test]
fn settings_of_choice() {
    let api = compiled(
        fixed(),
        json!({"loadBalancing": {
            "panicThreshold": 0, "overprovisioningFactor": 150,
            "slowStart": {"window": "30s", "aggression": 1.5, "minWeightPercent": 0}
        }}),
    );
    let settings = api.load_balancing.unwrap();
    assert_eq!((settings.panic_threshold, settings.overprovisioning_factor), (Some(0), 150));
    let slow = load_balancing::SlowStart { window: span(30_000), aggression: Some(1.5), min_weight_percent: Some(0) };
    assert_eq!(settings.slow_start, Some(slow));

    let api = compiled(
        fixed(),
        json!({"loadBalancing": {"policy": "Maglev", "hashPolicies": [
            {"header": "X-User", "terminal": true}, {"cookie": {"name": "s", "ttl": "0s", "path": "/"}},
            {"queryParameter": "u"}, {"sourceIp": true}
        ]}}),
    );
    let cookie = hash_policy::Cookie { name: "s".to_owned(), ttl: span(0), path: "/".to_owned() };
    let expected = [
        (hash_policy::Kind::Header("x-user".to_owned()), true),
        (hash_policy::Kind::Cookie(cookie), false),
        (hash_policy::Kind::QueryParameter("u".to_owned()), false),
        (hash_policy::Kind::SourceIp(true), false),
    ];
    let expected = expected.map(|(kind, terminal)| config::HashPolicy { kind: Some(kind), terminal });
    assert_eq!(api.load_balancing.unwrap().hash_policies, expected);
}

#[test]
fn endpoints_by_any_spelling() {
    let api = compiled(
        fixed(),
        json!({
            "loadBalancing": {"localityWeighted": true},
            "endpoints": [
                {"ip": "2001:0db8::0:1", "priority": 3, "health": "Draining"},
                {"fqdn": "a.example", "weight": 9, "locality": {"region": "r", "zone": "z", "weight": 0}},
            ],
        }),
    );
    assert!(api.load_balancing.as_ref().unwrap().locality_weighted);
    let locality = |region: &str, zone: &str, weight| {
        Some(config::Locality { region: region.to_owned(), zone: zone.to_owned(), weight })
    };
    let fqdn = |name: &str| Some(Host::Fqdn(name.to_owned()));
    let first = config::Endpoint { host: fqdn("a.example"), weight: 9, ..config::Endpoint::default() };
    let second = config::Endpoint {
        host: Some(Host::Ip("2001:db8::1".to_owned())),
        priority: 3,
        health: Health::Draining.into(),
        locality: locality("", "", 1),
        ..config::Endpoint::default()
    };
    let third =
        config::Endpoint { host: fqdn("c.example"), locality: locality("", "", 1), ..config::Endpoint::default() };
    assert_eq!(endpoints(api), [config::Endpoint { locality: locality("r", "z", 0), ..first }, second, third]);
}

#[test]
fn outliers_have_every_default_written_out() {
    let defaults = config::OutlierDetection {
        interval: span(10_000),
        base_ejection_time: span(30_000),
        max_ejection_time: span(300_000),
        max_ejection_percent: Some(10),
        consecutive_5xx: Some(5),
        consecutive_gateway_failure: Some(0),
        consecutive_local_origin_failure: Some(5),
        split_local_origin: false,
        success_rate: Some(outlier_detection::SuccessRate {
            minimum_hosts: 5,
            request_volume: 100,
            stdev_factor: 1900,
        }),
        failure_percentage: None,
        always_eject_one: false,
    };
    let outliers =
        |settings: Value| compiled(fixed(), json!({ "outlierDetection": settings })).outlier_detection.unwrap();
    assert_eq!(outliers(json!({})), defaults);
    assert_eq!(outliers(json!({"baseEjectionTime": "400s"})).max_ejection_time, span(400_000));
    let never = outliers(json!({"successRate": {"enabled": false}})).success_rate.unwrap();
    assert_eq!(never.minimum_hosts, u32::MAX);
    let given = outliers(json!({
        "interval": "1s", "baseEjectionTime": "2s", "maxEjectionTime": "3s", "maxEjectionPercent": 100,
        "alwaysEjectOne": true, "consecutive5xx": 0, "consecutiveGatewayFailure": 1, "consecutiveLocalOriginFailure": 2, "splitLocalOrigin": true,
        "successRate": {"minimumHosts": 3, "requestVolume": 4, "stdevFactor": 5}, "failurePercentage": {"threshold": 6}
    }));
    let expected = config::OutlierDetection {
        interval: span(1000),
        base_ejection_time: span(2000),
        max_ejection_time: span(3000),
        max_ejection_percent: Some(100),
        consecutive_5xx: Some(0),
        consecutive_gateway_failure: Some(1),
        consecutive_local_origin_failure: Some(2),
        split_local_origin: true,
        success_rate: Some(outlier_detection::SuccessRate { minimum_hosts: 3, request_volume: 4, stdev_factor: 5 }),
        failure_percentage: Some(outlier_detection::FailurePercentage {
            threshold: 6,
            minimum_hosts: 5,
            request_volume: 50,
        }),
        always_eject_one: true,
    };
    assert_eq!(given, expected);
}

#[test]
fn health_checks() {
    let api = compiled(
        fixed(),
        json!({"healthChecks": [
            {"http": {}},
            {
                "http": {
                    "path": "/up", "host": "h.example", "method": "HEAD", "version": "1.1",
                    "expectedStatuses": [{"start": 200, "end": 204}, {"start": 301}],
                    "headers": [{"name": "X-A", "value": "b"}]
                },
                "timeout": "1s", "interval": "2s", "noTrafficInterval": "3s", "unhealthyInterval": "4s", "port": 81,
                "window": {"size": 9, "threshold": 7}
            },
            {"tcp": {"send": {"text": "a"}, "receive": [{"base64": "AAE="}]}, "thresholds": {"unhealthy": 1}},
            {"grpc": {"service": "s"}},
        ]}),
    );
    let plain = config::HealthCheck {
        kind: Some(health_check::Kind::Http(health_check::Http { path: "/".to_owned(), ..Default::default() })),
        timeout: span(5000),
        interval: span(5000),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 2, unhealthy: 3 })),
        ..config::HealthCheck::default()
    };
    let full = config::HealthCheck {
        kind: Some(health_check::Kind::Http(health_check::Http {
            path: "/up".to_owned(),
            host: "h.example".to_owned(),
            method: "HEAD".to_owned(),
            expected_statuses: vec![
                health_check::StatusRange { start: 200, end: 204 },
                health_check::StatusRange { start: 301, end: 301 },
            ],
            headers: vec![health_check::Header { name: "X-A".to_owned(), value: "b".to_owned() }],
            http10: false,
        })),
        timeout: span(1000),
        interval: span(2000),
        verdict: Some(health_check::Verdict::Window(health_check::Window { window: 9, threshold: 7, initial: 7 })),
        no_traffic_interval: span(3000),
        unhealthy_interval: span(4000),
        port: 81,
    };
    let tcp = health_check::Tcp { send: "a".into(), receive: vec![bytes::Bytes::from_static(&[0, 1])] };
    let tcp = config::HealthCheck {
        kind: Some(health_check::Kind::Tcp(tcp)),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 2, unhealthy: 1 })),
        ..plain
    };
    let grpc = health_check::Kind::Grpc(health_check::Grpc { service: "s".to_owned() });
    let grpc = config::HealthCheck { kind: Some(grpc), ..plain };
    assert_eq!(api.health_checks, [plain, full, tcp, grpc]);
}

#[test]
fn limits_retries_and_connections() {
    let api = compiled(
        fixed(),
        json!({
            "limits": {"connections": 1, "pendingRequests": 0, "requests": 3, "retryBudget": {}, "connectionsPerEndpoint": 5, "rejectWhenFull": false},
            "retries": {
                "retryOn": ["5xx", "retriable-status-codes", "retriable-headers"], "attempts": 2, "perTryTimeout": "1s",
                "perTryIdleTimeout": "2s", "backOff": {"base": "3ms", "max": "4ms"}, "retriableStatuses": [503],
                "retriableHeaders": ["X-Again"], "avoidPreviousHosts": true, "maxRetryAfter": "5s", "countAttempts": true
            },
            "connections": {
                "maxRequests": 6, "maxLifetime": "7s", "tcpKeepalive": {"probes": 8, "idle": "9s", "interval": "10s"},
                "preconnectPercent": 110, "maxConcurrentStreams": 12, "maxHeadSize": 2048
            },
        }),
    );
    let expected = config::Limits {
        connections: Some(1),
        pending_requests: Some(0),
        requests: Some(3),
        retries: None,
        retry_budget: Some(limits::RetryBudget { percent: 20.0, minimum: 3 }),
        connections_per_endpoint: Some(5),
        reject_when_full: false,
    };
    assert_eq!(api.limits, Some(expected));
    let text = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
    let expected = config::Retries {
        on: text(&["5xx", "retriable-status-codes", "retriable-headers"]),
        attempts: 2,
        per_try_timeout: span(1000),
        per_try_idle_timeout: span(2000),
        back_off_base: span(3),
        back_off_max: span(4),
        retriable_statuses: vec![503],
        retriable_headers: text(&["x-again"]),
        avoid_previous_hosts: true,
        count_attempts: true,
        max_retry_after: span(5000),
    };
    assert_eq!(api.retries, Some(expected));
    let expected = config::Connections {
        max_requests: 6,
        max_lifetime: span(7000),
        tcp_keepalive: Some(connections::TcpKeepalive {
            probes: 8,
            idle: span(9000),
            interval: span(10_000),
            disabled: false,
        }),
        preconnect_percent: 110,
        max_concurrent_streams: 12,
        max_head_size: 2048,
    };
    assert_eq!(api.connections, Some(expected));
}

#[test]
fn what_is_turned_off_or_on() {
    let api = compiled(
        backend_of("api", json!({"endpoints": [{"fqdn": "up.example"}, {"ip": "10.0.0.1"}]})),
        json!({
            "healthChecks": [{"http": {"version": "1.0"}}],
            "connections": {"tcpKeepalive": {"disabled": true}},
            "limits": {"connections": 9, "rejectWhenFull": true},
            "discovery": {"dnsLookupFamily": "v6_preferred"},
        }),
    );
    assert!(api.connections.unwrap().tcp_keepalive.unwrap().disabled);
    assert!(api.limits.unwrap().reject_when_full);
    let [check] = api.health_checks.as_slice() else { panic!() };
    assert!(matches!(&check.kind, Some(health_check::Kind::Http(http)) if http.http10));
    let Some(config::backend::Discovery::Static(list)) = api.discovery else { panic!() };
    let families: Vec<_> = list.endpoints.iter().map(|endpoint| endpoint.lookup_family).collect();
    assert_eq!(families, [Some(config::dns_cache::LookupFamily::V6Preferred.into()), None]);
}
