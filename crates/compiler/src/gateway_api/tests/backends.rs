use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_proto::config::endpoint::Host;
use serde_json::{Value, json};

use super::{World, backend, backend_of, class, plain_gateway, simple_route, with};

/// A world with one Gateway, and a route to the Backend `api`.
fn placement(api: Value) -> World {
    World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api"), api])
}

#[test]
fn a_backend_reaches_the_fleet_of_its_route() {
    let world = placement(backend("api", "192.0.2.1"));
    assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/infra/r"]);
    let api = backend("api", "192.0.2.1");
    assert_eq!(world.condition(&api, "Accepted"), "True Accepted");
    assert_eq!(world.condition(&api, "ResolvedRefs"), "True ResolvedRefs");
    assert_eq!(world.status(&api).generation, 1);
    assert_eq!(world.status(&api).programs, [("default".into(), "backend/api".into())]);
}

#[test]
fn a_backend_without_a_route_is_accepted_and_sent_nowhere() {
    let api = backend("api", "192.0.2.1");
    let mut world = World::new([class(), plain_gateway("gw"), api.clone()]);
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
    assert_eq!(world.condition(&api, "Accepted"), "True Accepted");
    assert!(world.status(&api).programs.is_empty());

    world.set(simple_route("r", "gw", "api"));
    assert_eq!(world.status(&api).programs.len(), 1);
    world.remove(simple_route("r", "gw", "api"));
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
    assert!(world.status(&api).programs.is_empty());
}

#[test]
fn endpoints_keep_their_order_and_mix_names_with_addresses() {
    let endpoints = json!([{"fqdn": "B.example.com."}, {"ip": "2001:DB8:0::1"}, {"ip": "192.0.2.1"}]);
    let world = placement(backend_of("api", json!({"endpoints": endpoints})));
    let Some(Discovery::Static(compiled)) = world.backend("api").discovery else { panic!("not static") };
    let hosts: Vec<_> = compiled.endpoints.into_iter().map(|endpoint| endpoint.host.unwrap()).collect();
    assert_eq!(
        hosts,
        [Host::Fqdn("b.example.com".to_owned()), Host::Ip("2001:db8::1".to_owned()), Host::Ip("192.0.2.1".to_owned())]
    );
}

#[test]
fn each_protocol_is_its_own_and_has_tls_where_it_says_so() {
    let cases = [
        ("", Protocol::Http1, false),
        ("tls", Protocol::Http1Tls, true),
        ("h2", Protocol::Http2Tls, true),
        ("h2c", Protocol::Http2, false),
    ];
    for (protocol, expected, tls) in cases {
        let compiled = placement(with(backend("api", "192.0.2.1"), "/spec/protocol", json!(protocol))).backend("api");
        assert_eq!(compiled.protocol(), expected);
        assert_eq!(compiled.tls.is_some(), tls, "{protocol}");
    }
}

#[test]
fn a_dynamic_backend_has_the_documented_defaults() {
    for spec in [json!({"dynamicProxy": {}}), json!({"dynamicProxy": {"dnsCacheConfig": {}}})] {
        let Some(Discovery::DynamicForward(dynamic)) = placement(backend_of("api", spec)).backend("api").discovery
        else {
            panic!("not dynamic")
        };
        assert!(dynamic.allowed_names.is_empty());
        let cache = dynamic.dns_cache.unwrap();
        let seconds = |span: Option<prost_types::Duration>| span.map(|span| span.seconds);
        assert_eq!(cache.lookup_family(), LookupFamily::Auto);
        assert_eq!(seconds(cache.refresh_rate), Some(60));
        assert_eq!(seconds(cache.min_refresh_rate), Some(5));
        assert_eq!(seconds(cache.query_timeout), Some(5));
        assert_eq!(seconds(cache.host_ttl), Some(300));
        assert_eq!(cache.max_hosts, 1024);
    }
}

#[test]
fn a_dynamic_backend_is_called_by_what_no_other_is() {
    let called = |uid: &str| {
        let mut backend = backend_of("api", json!({"dynamicProxy": {}}));
        backend["metadata"]["uid"] = json!(uid);
        match placement(backend).backend("api").discovery {
            Some(Discovery::DynamicForward(dynamic)) => dynamic.loop_id,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(called("8a5f-1"), "backstay-8a5f-1");
    assert_eq!(called(""), "");
}

#[test]
fn every_dns_setting_reaches_the_proxy() {
    let settings = json!({
        "dnsLookupFamily": "v4_preferred", "dnsRefreshRate": "1500ms", "dnsMinRefreshRate": "2s",
        "dnsQueryTimeout": "0s", "hostTTL": "1m30s", "maxHosts": 7,
    });
    let spec = json!({
        "endpoints": [{"fqdn": "*.Example.com"}, {"fqdn": "api.example.org"}, {"ip": "192.0.2.1"}],
        "dynamicProxy": {"dnsCacheConfig": settings},
    });
    let world = placement(backend_of("api", spec));
    let Some(Discovery::DynamicForward(dynamic)) = world.backend("api").discovery else { panic!("not dynamic") };
    assert_eq!(dynamic.allowed_names, ["*.example.com", "api.example.org", "192.0.2.1"]);
    let cache = dynamic.dns_cache.unwrap();
    assert_eq!(cache.lookup_family(), LookupFamily::V4Preferred);
    assert_eq!(cache.refresh_rate, Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }));
    assert_eq!(cache.min_refresh_rate.map(|span| span.seconds), Some(2));
    assert_eq!(cache.query_timeout, Some(prost_types::Duration::default()));
    assert_eq!(cache.host_ttl.map(|span| span.seconds), Some(90));
    assert_eq!(cache.max_hosts, 7);
}

/// Specs that are refused when they are written; the compiler does not count on it.
fn bad_specs() -> Vec<(Value, &'static str)> {
    let dns = |settings: Value| json!({"dynamicProxy": {"dnsCacheConfig": settings}});
    vec![
        (json!({"endpoints": []}), "spec.endpoints is empty"),
        (json!({"endpoints": [{}]}), "spec.endpoints[0] must have exactly one of fqdn and ip"),
        (json!({"endpoints": [{"ip": "192.0.2.1", "fqdn": "a.example.com"}]}), "exactly one"),
        (json!({"endpoints": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.256"}]}), "spec.endpoints[1].ip"),
        (json!({"endpoints": [{"ip": "0.0.0.0"}]}), "no particular host"),
        (json!({"endpoints": [{"ip": "::"}]}), "no particular host"),
        (json!({"endpoints": [{"fqdn": "a..example.com"}]}), "is not a domain name"),
        (json!({"endpoints": [{"fqdn": "*.example.com"}]}), "is not a domain name"),
        (json!({"endpoints": [{"ip": "192.0.2.1"}], "protocol": "http3"}), "http3"),
        (json!({"endpoints": "api"}), "shape of a Backend"),
        (dns(json!({"dnsRefreshRate": "0s"})), "dnsRefreshRate must be at least 1ms"),
        (dns(json!({"dnsMinRefreshRate": "999ms"})), "dnsMinRefreshRate must be at least 1s"),
        (dns(json!({"maxHosts": 0})), "maxHosts must be at least 1"),
        (dns(json!({"dnsLookupFamily": "v5"})), "v5"),
    ]
}

#[test]
fn a_bad_backend_says_why_and_its_share_fails() {
    for (spec, expected) in bad_specs() {
        let api = backend_of("api", spec.clone());
        let world = placement(api.clone());
        assert_eq!(world.condition(&api, "Accepted"), "False Invalid", "{spec}");
        let message = world.message(&api, "Accepted");
        assert!(message.contains(expected) && message.ends_with("it is not in use"), "{message}");
        assert_eq!(world.names("default"), ["listener/infra/gw/http", "route/infra/r"]);
        let r = simple_route("r", "gw", "api");
        assert_eq!(world.condition(&r, "ResolvedRefs"), "False BackendNotFound");
        assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    }
}

#[test]
fn a_backend_that_becomes_bad_keeps_its_last_good_compilation() {
    for (spec, _) in bad_specs() {
        let mut world = placement(backend("api", "192.0.2.1"));
        let good = world.backend("api");
        let bad = with(backend_of("api", spec), "/metadata/generation", json!(2));
        let output = world.set(bad.clone());
        assert!(output.fleets.is_empty());
        assert_eq!(world.backend("api"), good);
        assert_eq!(world.condition(&bad, "Accepted"), "False Invalid");
        assert!(world.message(&bad, "Accepted").ends_with("the last good version stays in use"));
        assert_eq!(world.status(&bad).generation, 2);
        assert!(world.status(&bad).programs.is_empty(), "proxies hold generation 1");
        assert_eq!(world.condition(&simple_route("r", "gw", "api"), "ResolvedRefs"), "True ResolvedRefs");

        world.set(with(backend("api", "192.0.2.2"), "/metadata/generation", json!(3)));
        assert_eq!(world.condition(&bad, "Accepted"), "True Accepted");
        assert_eq!(world.status(&bad).programs.len(), 1);
        assert_ne!(world.backend("api"), good);
    }
}

#[test]
fn another_object_of_the_same_name_inherits_nothing() {
    let old = with(backend("api", "192.0.2.1"), "/metadata/uid", json!("1"));
    let new = with(backend_of("api", json!({"endpoints": []})), "/metadata/uid", json!("2"));
    let mut world = placement(old);
    world.set(new.clone());
    assert_eq!(world.names("default"), ["listener/infra/gw/http", "route/infra/r"]);
    assert!(world.message(&new, "Accepted").ends_with("it is not in use"));
}
