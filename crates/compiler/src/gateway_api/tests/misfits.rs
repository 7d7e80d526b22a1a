//! Sections of a policy that cannot apply to a Backend, and those that still do.

use backstay_proto::config::backend::Discovery;
use serde_json::{Value, json};

use super::{World, backend_of, class, plain_gateway, policy, simple_route};

const CREATED: &str = "2024-05-01T10:00:00Z";

fn world(backend: &Value, sections: Value) -> (World, Value) {
    let mut spec = json!({"targetRefs": [{"name": "api"}]});
    spec.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
    let p = policy("p", CREATED, spec);
    let objects = [class(), plain_gateway("gw"), simple_route("r", "gw", "api"), backend.clone(), p.clone()];
    (World::new(objects), p)
}

#[track_caller]
fn refused(backend: &Value, sections: Value, reason: &str, message: &str) -> World {
    let (world, p) = world(backend, sections.clone());
    assert_eq!(world.condition(&p, "Accepted"), format!("False {reason}"), "{sections}");
    let said = world.message(&p, "Accepted");
    assert!(said.contains(message) && said.ends_with("; everything else of the policy applies"), "{said}");
    // It is the policy that is wrong.
    assert_eq!(world.condition(backend, "Accepted"), "True Accepted");
    world
}

fn fixed(protocol: &str) -> Value {
    let endpoints = json!([{"fqdn": "a.example"}, {"ip": "192.0.2.1"}]);
    backend_of("api", json!({"endpoints": endpoints, "protocol": protocol}))
}

fn addresses() -> Value {
    backend_of("api", json!({"endpoints": [{"ip": "192.0.2.1"}]}))
}

fn dynamic(cache: Value) -> Value {
    backend_of("api", json!({"dynamicProxy": {"dnsCacheConfig": cache}, "protocol": "tls"}))
}

#[test]
fn dynamic_backends_have_no_endpoints_to_choose_from() {
    let sections = [
        ("loadBalancing", json!({"policy": "Random"})),
        ("endpoints", json!([{"fqdn": "a.example"}])),
        ("discovery", json!({"srv": {"service": "http"}})),
        ("outlierDetection", json!({})),
        ("healthChecks", json!([{"http": {}}])),
    ];
    for (name, section) in sections {
        let message = format!("spec.{name} cannot apply to Backend api, which has dynamicProxy");
        let sections = json!({name: section, "timeouts": {"connect": "1s"}, "tls": {"sni": "a.example"}});
        let world = refused(&dynamic(json!({})), sections, "Invalid", &message);
        let api = world.backend("api");
        assert!(api.load_balancing.is_none() && api.outlier_detection.is_none() && api.health_checks.is_empty());
        assert!(api.timeouts.is_some());
        assert_eq!(api.tls.unwrap().sni, "a.example");
    }
    let automatic = json!({"host": {"automatic": true}});
    let world = refused(&dynamic(json!({})), automatic, "Invalid", "spec.host.automatic cannot apply to Backend api");
    assert_eq!(world.backend("api").host, None);
}

#[test]
fn other_backends_have_nothing_dynamic() {
    let sections = json!({"dynamicProxy": {"addresses": {"denyPrivate": true}}, "limits": {"connections": 1}});
    let world =
        refused(&fixed(""), sections, "Invalid", "spec.dynamicProxy cannot apply to Backend api, which does not");
    assert_eq!(world.backend("api").limits.unwrap().connections, Some(1));
}

#[test]
fn endpoints_are_those_of_the_backend() {
    let list = json!([{"ip": "192.0.2.9"}, {"fqdn": "a.example", "weight": 7}]);
    let message = "spec.endpoints[0] names \"192.0.2.9\", which is no endpoint of Backend api";
    let world = refused(&fixed(""), json!({"endpoints": list}), "EndpointNotFound", message);
    let Some(Discovery::Static(list)) = world.backend("api").discovery else { panic!("it has endpoints") };
    assert_eq!(list.endpoints.iter().map(|endpoint| endpoint.weight).collect::<Vec<_>>(), [7, 0]);
}

#[test]
fn names_are_needed_for_what_uses_names() {
    let srv = |service: &str| json!({"discovery": {"srv": {"service": service}}});
    let none = "none of whose endpoints has an fqdn";
    refused(&addresses(), srv("http"), "Invalid", none);
    for field in ["maxStale", "maxAbsent"] {
        let message = format!("spec.discovery.{field} cannot apply to Backend api, {none}");
        refused(&addresses(), json!({"discovery": {field: "1m"}}), "Invalid", &message);
    }
    refused(&addresses(), json!({"host": {"automatic": true}}), "Invalid", none);
    let name = [["a"; 31].concat().as_str(); 7].join(".");
    let long = backend_of("api", json!({"endpoints": [{"fqdn": name}, {"fqdn": "b.example"}]}));
    let world = refused(&long, srv(&"s".repeat(60)), "Invalid", "is longer than the 253 bytes of DNS");
    let Some(Discovery::Static(list)) = world.backend("api").discovery else { panic!("it has endpoints") };
    assert!(list.endpoints.iter().all(|endpoint| !format!("{endpoint:?}").contains("Srv")), "all or none: {list:?}");
}

#[test]
fn http1_is_needed_for_what_is_http1() {
    let sections = json!({
        "limits": {"connections": 5, "rejectWhenFull": true},
        "healthChecks": [{"http": {"version": "1.1"}}, {"http": {"version": "1.0"}}],
    });
    for protocol in ["h2", "h2c"] {
        let world = refused(&fixed(protocol), sections.clone(), "Invalid", "which speaks HTTP/2");
        let api = world.backend("api");
        assert_eq!((api.health_checks.len(), api.limits.unwrap().reject_when_full), (1, false));
    }
    let (world, p) = world(&fixed(""), sections);
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
}

#[test]
fn a_family_of_addresses_is_of_names() {
    let family = json!({"discovery": {"dnsLookupFamily": "v6_only"}});
    refused(&addresses(), family, "Invalid", "none of whose endpoints has an fqdn");
}

#[test]
fn http2_is_needed_for_what_is_http2() {
    let sections = json!({
        "connections": {"maxConcurrentStreams": 5, "maxRequests": 9},
        "healthChecks": [{"tcp": {}}, {"grpc": {}}],
    });
    for protocol in ["", "tls"] {
        let world = refused(&fixed(protocol), sections.clone(), "Invalid", "which does not speak HTTP/2");
        let api = world.backend("api");
        assert_eq!(api.health_checks.len(), 1);
        let connections = api.connections.unwrap();
        assert_eq!((connections.max_requests, connections.max_concurrent_streams), (9, 0));
    }
    for protocol in ["h2", "h2c"] {
        let (world, p) = world(&fixed(protocol), sections.clone());
        assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
        assert_eq!(world.backend("api").health_checks.len(), 2);
    }
}

#[test]
fn protocols_that_are_offered_suit_the_one_that_is_spoken() {
    let cases: [(&str, &[&str], bool); 6] = [
        ("h2", &["h2", "x"], true),
        ("h2", &["x"], false),
        ("h2", &["h2", "http/1.1"], false),
        ("tls", &["http/1.1"], true),
        ("tls", &["x"], true),
        ("tls", &["h2", "http/1.1"], false),
    ];
    for (protocol, alpn, fits) in cases {
        let sections = json!({"tls": {"alpn": alpn, "sni": "a.example"}});
        let tls = if fits {
            let (world, p) = world(&fixed(protocol), sections);
            assert_eq!(world.condition(&p, "Accepted"), "True Accepted", "{protocol} {alpn:?}");
            world.backend("api").tls.unwrap()
        } else {
            let world = refused(&fixed(protocol), sections, "Invalid", "spec.tls.alpn cannot apply to Backend api");
            world.backend("api").tls.unwrap()
        };
        assert_eq!(tls.alpn.is_empty(), !fits);
        assert_eq!(tls.sni, "a.example");
    }
}

#[test]
fn the_dns_cache_of_the_backend_has_a_say() {
    let dns = |settings: Value| json!({"dynamicProxy": {"dns": settings}});
    let v4 = dynamic(json!({"dnsLookupFamily": "v4_only"}));
    refused(&v4, dns(json!({"strictAuto": true})), "Invalid", "whose dnsLookupFamily is not auto");
    let short = dns(json!({"failureMax": "30s"}));
    refused(&dynamic(json!({})), short.clone(), "Invalid", "it is shorter than the first wait, which is 1m0s");
    let (world, p) = world(&dynamic(json!({"dnsRefreshRate": "30s"})), short);
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
}

#[test]
fn all_that_does_not_fit_is_told() {
    let sections = json!({"tls": {"sni": "a.example"}, "dynamicProxy": {}, "host": {"automatic": true}});
    let world = refused(&addresses(), sections, "Invalid", "spec.tls cannot apply to Backend api");
    let p = policy("p", CREATED, json!({"targetRefs": [{"name": "api"}]}));
    let said = world.message(&p, "Accepted");
    assert!(said.contains("; spec.host.automatic cannot") && said.contains("; spec.dynamicProxy cannot"), "{said}");
}

#[test]
fn each_target_is_judged() {
    let targets = json!([{"name": "api"}, {"name": "other"}]);
    let p = policy("p", CREATED, json!({"targetRefs": targets, "endpoints": [{"ip": "192.0.2.1", "weight": 2}]}));
    let other = |ip: &str| backend_of("other", json!({"endpoints": [{"ip": ip}]}));
    let mut world = World::new([class(), addresses(), other("192.0.2.2"), p.clone()]);
    assert_eq!(world.condition(&p, "Accepted"), "False EndpointNotFound");
    assert!(world.message(&p, "Accepted").contains("no endpoint of Backend other"));
    world.set(other("192.0.2.1"));
    assert_eq!(world.condition(&p, "Accepted"), "True Accepted");
}
