use std::time::Duration;

use backstay_proto::config::{self, Backend, Endpoint};

use super::{fields, fixed, fqdn, ip, seconds};

#[test]
fn what_a_policy_says_is_read_or_refused_by_field() {
    use backstay_proto::config::{
        Connections, HashPolicy, HealthCheck, HostRewrite, Limits, LoadBalancing, OutlierDetection, Retries,
        hash_policy, health_check, host_rewrite, load_balancing,
    };
    let web = || fixed(vec![ip("10.0.0.1")]);
    let retries = |retries| Backend { retries: Some(retries), ..web() };
    let plan = crate::Backend::try_from(&retries(Retries { on: vec!["5xx".into()], ..Retries::default() })).unwrap();
    let retry = plan.spec.policy.retries.clone().unwrap();
    assert_eq!((retry.policy.attempts, retry.policy.back_off_base), (1, Duration::from_millis(25)));
    let limits = Limits { requests: Some(3), ..Limits::default() };
    let plan = crate::Backend::try_from(&Backend { limits: Some(limits), ..web() }).unwrap();
    assert_eq!((plan.limits.connections, plan.limits.requests), (Some(1024), Some(3)));
    assert!(plan.spec.policy.counts_requests && plan.spec.policy.takes_turns());

    let balanced = |policy, hash: Option<hash_policy::Kind>| Backend {
        load_balancing: Some(LoadBalancing {
            policy,
            hash_policies: hash.into_iter().map(|kind| HashPolicy { kind: Some(kind), terminal: false }).collect(),
            ..LoadBalancing::default()
        }),
        ..web()
    };
    let maglev = |table_size| Some(load_balancing::Policy::Maglev(load_balancing::Maglev { table_size }));
    assert!(
        crate::Backend::try_from(&balanced(maglev(0), Some(hash_policy::Kind::SourceIp(true))))
            .unwrap()
            .spec
            .policy
            .hashes()
    );
    let checks = |kind| {
        let check = HealthCheck {
            kind,
            timeout: seconds(1),
            interval: seconds(1),
            verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 1, unhealthy: 1 })),
            ..HealthCheck::default()
        };
        Backend { health_checks: vec![check], ..web() }
    };
    let tcp = health_check::Kind::Tcp(health_check::Tcp::default());
    assert!(!crate::Backend::try_from(&checks(Some(tcp))).unwrap().spec.policy.takes_turns());
    let bad_path = health_check::Http { path: "health".into(), ..health_check::Http::default() };
    let literal = host_rewrite::Kind::Literal("user@host".into());
    for (message, field) in [
        (retries(Retries { on: vec!["always".into()], ..Retries::default() }), "retries.on"),
        (retries(Retries { retriable_statuses: vec![70_000], ..Retries::default() }), "retries.retriable_statuses"),
        (retries(Retries { back_off_base: seconds(0), ..Retries::default() }), "retries.back_off_base"),
        (balanced(None, None), "load_balancing.policy"),
        (balanced(maglev(10), None), "load_balancing"),
        (balanced(maglev(0), Some(hash_policy::Kind::Header("a b".into()))), "load_balancing.hash_policies[0].header"),
        (
            Backend {
                outlier_detection: Some(OutlierDetection {
                    max_ejection_percent: Some(101),
                    ..OutlierDetection::default()
                }),
                ..web()
            },
            "outlier_detection",
        ),
        (
            Backend { connections: Some(Connections { preconnect_percent: 301, ..Connections::default() }), ..web() },
            "connections.preconnect_percent",
        ),
        (Backend { host: Some(HostRewrite { kind: Some(literal) }), ..web() }, "host.literal"),
        (checks(None), "health_checks[0]"),
        (checks(Some(health_check::Kind::Http(bad_path))), "health_checks[0].http.path"),
        (checks(Some(health_check::Kind::Grpc(health_check::Grpc::default()))), "health_checks[0].grpc"),
        (fixed(vec![Endpoint { health: 9, ..ip("10.0.0.1") }]), "static.endpoints[0].health"),
    ] {
        assert_eq!(fields(crate::Backend::try_from(&message)), [field], "{message:?}");
    }
}

/// The defaults of the guide to policies that are the proxy's own. Others are written out before they get here.
#[test]
fn what_is_not_said_is_as_the_guide_has_it() {
    use backstay_balancer::{LeastRequest, Maglev, Policy, RingHash};
    use backstay_proto::config::connections::TcpKeepalive;
    use backstay_proto::config::{self, load_balancing as wire};

    let sections = Backend {
        timeouts: Some(config::Timeouts::default()),
        limits: Some(config::Limits::default()),
        connections: Some(config::Connections {
            tcp_keepalive: Some(TcpKeepalive::default()),
            ..config::Connections::default()
        }),
        ..fixed(vec![ip("10.0.0.1")])
    };
    for backend in [fixed(vec![ip("10.0.0.1")]), sections] {
        let plan = crate::Backend::try_from(&backend).unwrap();
        let timeouts = plan.spec.timeouts;
        assert_eq!((timeouts.connect, timeouts.idle), (Duration::from_secs(5), Duration::from_secs(60)));
        assert_eq!((timeouts.first_byte, timeouts.between_bytes, timeouts.total), (None, None, None));
        let limits = plan.limits;
        assert_eq!((limits.connections, limits.pending_requests, limits.retries), (Some(1024), Some(1024), Some(3)));
        assert!(
            limits.requests.is_none() && limits.connections_per_endpoint.is_none() && limits.retry_budget.is_none()
        );
        let connections = &plan.spec.policy.connections;
        let keepalive = connections.keepalive.unwrap();
        assert_eq!((keepalive.idle, keepalive.interval), (Duration::from_secs(60), Duration::from_secs(15)));
        assert_eq!((keepalive.probes, connections.preconnect_percent), (None, 100));
        assert!(connections.max_requests.is_none() && connections.max_lifetime.is_none());
        assert!(
            connections.max_streams.is_none()
                && plan.spec.policy.retries.is_none()
                && plan.spec.policy.outlier.is_none()
        );
    }

    let balanced = |policy, slow_start| {
        let settings = config::LoadBalancing { policy: Some(policy), slow_start, ..config::LoadBalancing::default() };
        let backend = Backend { load_balancing: Some(settings), ..fixed(vec![ip("10.0.0.1")]) };
        crate::Backend::try_from(&backend).unwrap().spec.policy.balancing.clone()
    };
    let slow_start = wire::SlowStart { window: seconds(1), ..wire::SlowStart::default() };
    let least = balanced(wire::Policy::LeastRequest(wire::LeastRequest::default()), Some(slow_start));
    assert_eq!(least.policy, Policy::LeastRequest(LeastRequest { choice_count: 2, active_request_bias: 1.0 }));
    assert_eq!((least.panic_threshold, least.overprovisioning_factor, least.locality_weighted), (50, 140, false));
    let slow_start = least.slow_start.unwrap();
    assert_eq!((slow_start.aggression, slow_start.min_weight_percent), (1.0, 10));
    let ring = balanced(wire::Policy::RingHash(wire::RingHash::default()), None);
    assert_eq!(ring.policy, Policy::RingHash(RingHash { minimum_size: 1024, maximum_size: 8_388_608 }));
    let maglev = balanced(wire::Policy::Maglev(wire::Maglev::default()), None);
    assert_eq!(maglev.policy, Policy::Maglev(Maglev { table_size: 65_537 }));
}

#[test]
fn a_backend_that_lets_none_wait() {
    use backstay_proto::config::Limits;
    let limits = |connections, requests| {
        let limits = Limits { connections, requests, reject_when_full: true, ..Limits::default() };
        Backend { limits: Some(limits), ..fixed(vec![ip("10.0.0.1")]) }
    };
    for (connections, requests, most) in
        [(Some(5), None, 5), (Some(5), Some(3), 3), (Some(2), Some(3), 2), (None, None, 1024)]
    {
        let plan = crate::Backend::try_from(&limits(connections, requests)).unwrap();
        assert_eq!(plan.limits.requests, Some(most));
        assert!(plan.spec.policy.rejects_when_full && plan.spec.policy.counts_requests);
    }
    let http2 = Backend { protocol: config::backend::Protocol::Http2.into(), ..limits(Some(5), None) };
    assert_eq!(fields(crate::Backend::try_from(&http2)), ["limits.reject_when_full"]);
}

#[test]
fn endpoints_that_are_names_say_which_addresses_count() {
    use backstay_destination::lookup::Family;
    use backstay_proto::config::dns_cache::LookupFamily;
    for (given, family) in [
        (None, Family::V4Preferred),
        (Some(LookupFamily::V6Preferred), Family::StrictAuto),
        (Some(LookupFamily::V6Only), Family::V6Only),
    ] {
        let endpoint = Endpoint { lookup_family: given.map(Into::into), ..fqdn("up.example") };
        let plan = crate::Backend::try_from(&fixed(vec![endpoint])).unwrap();
        let crate::Discovery::Static(list) = plan.discovery else { panic!() };
        let crate::StaticHost::Name { family: found, .. } = &list[0].host else { panic!() };
        assert_eq!(*found, family);
    }
    let wrong =
        [Endpoint { lookup_family: Some(9), ..fqdn("up.example") }, Endpoint { lookup_family: Some(1), ..ip("::1") }];
    let expected = ["static.endpoints[0].lookup_family", "static.endpoints[1].lookup_family"];
    assert_eq!(fields(crate::Backend::try_from(&fixed(wrong.to_vec()))), expected);
}

#[test]
fn checks_of_http_1_0_and_connections_without_probes() {
    use backstay_proto::config::connections::TcpKeepalive;
    use backstay_proto::config::{Connections, HealthCheck, health_check};
    let http = health_check::Http { http10: true, ..health_check::Http::default() };
    let check = HealthCheck {
        kind: Some(health_check::Kind::Http(http)),
        timeout: seconds(1),
        interval: seconds(1),
        verdict: Some(health_check::Verdict::Thresholds(health_check::Thresholds { healthy: 1, unhealthy: 1 })),
        ..HealthCheck::default()
    };
    let keepalive = |keepalive| Some(Connections { tcp_keepalive: Some(keepalive), ..Connections::default() });
    let off = TcpKeepalive { disabled: true, ..TcpKeepalive::default() };
    let backend = Backend { health_checks: vec![check], connections: keepalive(off), ..fixed(vec![ip("10.0.0.1")]) };
    let plan = crate::Backend::try_from(&backend).unwrap();
    assert_eq!(plan.spec.policy.connections.keepalive, None);
    let http2 = Backend { protocol: config::backend::Protocol::Http2.into(), ..backend.clone() };
    assert_eq!(fields(crate::Backend::try_from(&http2)), ["health_checks[0].http.http10"]);
    let both = Backend { connections: keepalive(TcpKeepalive { probes: 3, ..off }), ..backend };
    assert_eq!(fields(crate::Backend::try_from(&both)), ["connections.tcp_keepalive.disabled"]);
}
