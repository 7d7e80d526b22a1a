//! All that is wrong with a resource is told, in the order of its fields.

use backstay_proto::config::{
    Attachment, Backend, BackendRef, ClientTls, Connections, DnsCache, DynamicForward, Endpoint, Filter, Forward,
    Header, HeaderModifier, HealthCheck, Limits, Listener, LoadBalancing, Match, NamedMatch, OutlierDetection,
    PathMatch, Resource, Retries, Route, Rule, Secret, StaticEndpoints, Timeouts, WeightedBackend, backend,
    connections, endpoint, filter, health_check, limits, load_balancing, named_match, path_match, resource, rule,
    secret, weighted_backend,
};
use prost::Message;

use super::{fields, fixed, http, https, ip, seconds};
use crate::Fault;

#[test]
fn of_a_listener() {
    let message = Listener { address: "here".into(), port: 0, hostname: "a b".into(), ..https(&["x", "secret/s", ""]) };
    assert_eq!(
        fields(crate::Listener::try_from(&message)),
        ["address", "port", "hostname", "tls.secrets[0]", "tls.secrets[2]"]
    );
}

#[test]
fn of_a_backend() {
    let check = |kind| HealthCheck { kind, port: 70_000, ..HealthCheck::default() };
    let http = health_check::Http { path: "x".into(), method: "CONNECT".into(), ..health_check::Http::default() };
    let message = Backend {
        protocol: backend::Protocol::Http1Tls.into(),
        tls: Some(ClientTls {
            sni: "a b".into(),
            ca_secret: "ca".into(),
            min_version: 9,
            cipher_suites: vec!["x".into(), "TLS_AES_128_GCM_SHA256".into(), "y".into()],
            alpn: vec!["h2".into()],
            ..ClientTls::default()
        }),
        timeouts: Some(Timeouts { connect: seconds(0), total: seconds(-1), ..Timeouts::default() }),
        load_balancing: Some(LoadBalancing {
            slow_start: Some(load_balancing::SlowStart::default()),
            ..LoadBalancing::default()
        }),
        outlier_detection: Some(OutlierDetection {
            interval: seconds(0),
            max_ejection_time: seconds(-1),
            ..OutlierDetection::default()
        }),
        health_checks: vec![check(None), check(Some(health_check::Kind::Http(http)))],
        retries: Some(Retries {
            on: vec!["always".into()],
            retriable_headers: vec!["a b".into()],
            per_try_timeout: seconds(-1),
            ..Retries::default()
        }),
        connections: Some(Connections {
            preconnect_percent: 1,
            tcp_keepalive: Some(connections::TcpKeepalive { probes: 1000, idle: seconds(0), ..Default::default() }),
            ..Connections::default()
        }),
        limits: Some(Limits {
            retry_budget: Some(limits::RetryBudget { percent: 101.0, minimum: 0 }),
            ..Limits::default()
        }),
        ..fixed(vec![ip("1"), ip("10.0.0.1"), Endpoint { health: 9, ..ip("2") }])
    };
    assert_eq!(
        fields(crate::Backend::try_from(&message)),
        [
            "tls.ca_secret",
            "tls.sni",
            "tls.min_version",
            "tls.cipher_suites[0]",
            "tls.cipher_suites[2]",
            "tls.alpn",
            "health_checks[0]",
            "health_checks[0].verdict",
            "health_checks[0].interval",
            "health_checks[0].timeout",
            "health_checks[0].port",
            "health_checks[1].http.path",
            "health_checks[1].http.method",
            "health_checks[1].verdict",
            "health_checks[1].interval",
            "health_checks[1].timeout",
            "health_checks[1].port",
            "limits.retry_budget.percent",
            "timeouts.connect",
            "timeouts.total",
            "load_balancing.policy",
            "load_balancing.slow_start.window",
            "outlier_detection.interval",
            "outlier_detection.max_ejection_time",
            "retries.on",
            "retries.retriable_headers[0]",
            "retries.per_try_timeout",
            "connections.tcp_keepalive.probes",
            "connections.tcp_keepalive.idle",
            "connections.preconnect_percent",
            "static.endpoints[0].ip",
            "static.endpoints[2].health",
            "static.endpoints[2].ip",
        ]
    );
}

#[test]
fn of_a_dynamic_backend() {
    let forward = DynamicForward {
        dns_cache: Some(DnsCache { refresh_rate: seconds(0), host_ttl: seconds(0), ..DnsCache::default() }),
        allowed_names: vec!["".into(), "a b".into()],
        loop_id: "a b".into(),
        ..DynamicForward::default()
    };
    let message = Backend { discovery: Some(backend::Discovery::DynamicForward(forward)), ..Backend::default() };
    let expected = ["dns_cache.refresh_rate", "dns_cache.host_ttl", "allowed_names[0]", "allowed_names[1]", "loop_id"];
    assert_eq!(fields(crate::Backend::try_from(&message)), expected.map(|field| format!("dynamic_forward.{field}")));
}

#[test]
fn of_a_route() {
    let path = |kind| Some(PathMatch { kind: Some(kind) });
    let named = |name: &str, pattern: &str| NamedMatch {
        name: name.into(),
        kind: Some(named_match::Kind::Regex(pattern.into())),
    };
    let header = Header { name: "a b".into(), value: "\n".into() };
    let edits = HeaderModifier { set: vec![header.clone()], add: vec![header], remove: vec!["TE".into()] };
    let reference = BackendRef { backend: "route/a".into(), port: 70_000 };
    let target = WeightedBackend {
        target: Some(weighted_backend::Target::Backend(reference)),
        filters: vec![Filter::default()],
        ..WeightedBackend::default()
    };
    let forward = Forward { backends: vec![target], request_timeout: seconds(-1), ..Forward::default() };
    let message = Route {
        attachments: vec![Attachment { listener: "l".into(), hostnames: vec!["a b".into()] }],
        rules: vec![
            Rule {
                matches: vec![Match {
                    path: path(path_match::Kind::Exact("a".into())),
                    method: "a b".into(),
                    headers: vec![named("a b", "(")],
                    query: vec![named("", "(")],
                    ..Match::default()
                }],
                filters: vec![Filter { kind: Some(filter::Kind::ResponseHeaders(edits)) }],
                action: Some(rule::Action::Forward(forward)),
                ..Rule::default()
            },
            Rule::default(),
        ],
        ..Route::default()
    };
    assert_eq!(
        fields(crate::Route::try_from(&message)),
        [
            "attachments[0].listener",
            "attachments[0].hostnames[0]",
            "rules[0].matches[0].path.exact",
            "rules[0].matches[0].method",
            "rules[0].matches[0].headers[0].name",
            "rules[0].matches[0].headers[0].regex",
            "rules[0].matches[0].query[0].name",
            "rules[0].matches[0].query[0].regex",
            "rules[0].filters[0].response_headers.set[0].name",
            "rules[0].filters[0].response_headers.set[0].value",
            "rules[0].filters[0].response_headers.add[0].name",
            "rules[0].filters[0].response_headers.add[0].value",
            "rules[0].filters[0].response_headers.remove[0]",
            "rules[0].forward.backends[0].filters[0]",
            "rules[0].forward.backends[0].backend.backend",
            "rules[0].forward.backends[0].backend.port",
            "rules[0].forward.request_timeout",
            "rules[1].matches",
            "rules[1].action",
        ]
    );
}

#[test]
fn of_a_secret() {
    let pair = secret::Certificate { chain: "x".into(), private_key: "y".into() };
    let message = Secret { kind: Some(secret::Kind::Certificate(pair)) };
    assert_eq!(fields(crate::Secret::try_from(&message)), ["certificate.chain", "certificate.private_key"]);
}

/// Whether a part fits a protocol cannot be told without one: that is left out, and nothing else is.
#[test]
fn but_not_what_depends_on_what_is_at_fault() {
    let grpc =
        HealthCheck { kind: Some(health_check::Kind::Grpc(health_check::Grpc::default())), ..HealthCheck::default() };
    let message = Backend {
        protocol: 9,
        tls: Some(ClientTls { alpn: vec!["h2".into()], ..ClientTls::default() }),
        health_checks: vec![grpc],
        discovery: Some(backend::Discovery::Static(StaticEndpoints {
            endpoints: vec![Endpoint { host: Some(endpoint::Host::Fqdn("a b".into())), ..Endpoint::default() }],
            ..StaticEndpoints::default()
        })),
        ..Backend::default()
    };
    assert_eq!(fields(crate::Backend::try_from(&message)), ["protocol", "static.endpoints[0].fqdn"]);
}

#[test]
fn of_a_resource_in_its_bytes_as_one_sentence() {
    let kind = Some(resource::Kind::Listener(Listener { port: 0, address: "here".into(), ..http(80) }));
    let value = bytes::Bytes::from(Resource { kind }.encode_to_vec());
    let faults = crate::Resource::decode("listener/l", value.clone()).unwrap_err();
    assert_eq!(faults.to_string(), "address: \"here\" is not an IP address; port: must be from 1 to 65535");
    let faults = crate::Resource::decode("route/l", value).unwrap_err();
    let of_the_name = Fault::new("", "a resource of kind Listener cannot be called \"route/l\"");
    assert_eq!(faults.into_iter().collect::<Vec<_>>(), [of_the_name]);
}
