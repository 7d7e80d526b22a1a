use backstay_proto::config::listener::Protocol;
use backstay_resources::gateway::RouteGroupKind;
use serde_json::{Value, json};

use super::{World, backend, class, gateway, plain_gateway, proxy, simple_route, with};
use crate::AddressSource;

/// `gateway` as it would be had it been created at a second of some minute.
fn created(gateway: Value, second: u32) -> Value {
    with(gateway, "/metadata/creationTimestamp", json!(format!("2024-05-01T10:00:{second:02}Z")))
}

#[test]
fn a_listener_per_listener() {
    let gw = gateway(
        "gw",
        json!([
            {"name": "all", "protocol": "HTTP", "port": 80},
            {"name": "some", "protocol": "HTTP", "port": 80, "hostname": "*.Example.com"},
        ]),
    );
    let world = World::new([class(), gw.clone()]);
    assert_eq!(world.names("default"), ["listener/infra/gw/all", "listener/infra/gw/some"]);
    let some = world.listener("default", "listener/infra/gw/some");
    assert_eq!((some.port, some.hostname.as_str(), some.address.as_str()), (80, "*.example.com", ""));
    assert_eq!((some.protocol(), some.tls), (Protocol::Http, None));
    assert_eq!(world.condition(&gw, "Accepted"), "True Accepted");
    let programs = &world.status(&gw).programs;
    assert_eq!(programs.iter().map(|(_, name)| &**name).collect::<Vec<_>>(), world.names("default"));
    for name in ["all", "some"] {
        let report = world.listener_report(&gw, name);
        assert_eq!(report.programs, [("default".into(), format!("listener/infra/gw/{name}").into())]);
        for (kind, expected) in
            [("Accepted", "True Accepted"), ("ResolvedRefs", "True ResolvedRefs"), ("Conflicted", "False NoConflicts")]
        {
            assert_eq!(world.listener_condition(&gw, name, kind), expected);
        }
    }
}

#[test]
fn only_gateways_of_our_classes_are_served() {
    let foreign = with(class(), "/spec/controllerName", json!("example.com/other"));
    let apoxy = with(class(), "/spec/controllerName", json!("gateway.apoxy.dev/gatewayclass-controller"));
    let gw = plain_gateway("gw");
    let mut world = World::new([foreign, gw.clone(), simple_route("r", "gw", "api"), backend("api", "192.0.2.1")]);
    assert!(world.silent(&class()) && world.silent(&gw));
    assert!(world.parents(&simple_route("r", "gw", "api"), "Accepted").is_empty());
    assert!(world.names("default").is_empty());
    for ours in [class(), apoxy] {
        world.set(ours);
        assert_eq!(world.condition(&class(), "Accepted"), "True Accepted");
        assert_eq!(world.condition(&gw, "Accepted"), "True Accepted");
        assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/infra/r"]);
    }
    world.remove(class());
    assert_eq!(world.condition(&gw, "Accepted"), "Unknown Pending");
    assert!(world.names("default").is_empty());
}

#[test]
fn a_class_of_the_other_group_does_not_count() {
    let other = with(class(), "/apiVersion", json!("gateway.apoxy.dev/v1"));
    let world = World::new([other, plain_gateway("gw")]);
    assert_eq!(world.condition(&plain_gateway("gw"), "Accepted"), "Unknown Pending");
}

#[test]
fn a_class_with_parameters_is_refused_and_so_are_its_gateways() {
    let class = with(class(), "/spec/parametersRef", json!({"group": "", "kind": "ConfigMap", "name": "x"}));
    let world = World::new([class.clone(), plain_gateway("gw")]);
    assert_eq!(world.condition(&class, "Accepted"), "False InvalidParameters");
    assert_eq!(world.condition(&plain_gateway("gw"), "Accepted"), "False InvalidParameters");
    assert!(world.names("default").is_empty());
}

#[test]
fn the_fleet_is_the_proxy_that_the_gateway_names() {
    let on =
        |parameters: Value| with(plain_gateway("gw"), "/spec/infrastructure", json!({"parametersRef": parameters}));
    let cases = [
        (plain_gateway("gw"), Ok("default")),
        (with(plain_gateway("gw"), "/spec/infrastructure", json!({})), Ok("default")),
        (on(json!({"kind": "Proxy", "name": "default"})), Ok("default")),
        (on(json!({"kind": "Proxy", "name": "edge"})), Ok("edge")),
        (on(json!({"group": "core.apoxy.dev", "kind": "Proxy", "name": "edge"})), Ok("edge")),
        (on(json!({"kind": "Proxy", "name": "lost"})), Err("Proxy lost does not exist")),
        (on(json!({"kind": "ConfigMap", "name": "edge"})), Err("ConfigMap")),
        (on(json!({"group": "example.com", "kind": "Proxy", "name": "edge"})), Err("example.com")),
    ];
    for (gw, expected) in cases {
        let world = World::new([class(), proxy("edge"), gw.clone()]);
        match expected {
            Ok(fleet) => {
                assert_eq!(world.condition(&gw, "Accepted"), "True Accepted");
                assert_eq!(world.names(fleet), ["listener/infra/gw/http"]);
            }
            Err(message) => {
                assert_eq!(world.condition(&gw, "Accepted"), "False InvalidParameters");
                assert!(world.message(&gw, "Accepted").contains(message));
                assert!(world.held.is_empty());
                assert!(world.status(&gw).programs.is_empty());
            }
        }
    }
}

#[test]
fn a_proxy_that_comes_and_goes_takes_its_gateways_along() {
    let infrastructure = json!({"parametersRef": {"kind": "Proxy", "name": "edge"}});
    let gw = with(plain_gateway("gw"), "/spec/infrastructure", infrastructure);
    let mut world = World::new([class(), gw.clone()]);
    world.set(proxy("edge"));
    assert_eq!(world.names("edge"), ["listener/infra/gw/http"]);
    world.remove(proxy("edge"));
    assert_eq!(world.condition(&gw, "Accepted"), "False InvalidParameters");
    assert!(world.held.is_empty());
}

#[test]
fn addresses_are_bound_one_by_one() {
    let addresses =
        json!([{"value": "192.0.2.1"}, {"type": "IPAddress", "value": "2001:DB8::1"}, {"value": "192.0.2.1"}]);
    let gw = with(plain_gateway("gw"), "/spec/addresses", addresses);
    let r = simple_route("r", "gw", "api");
    let world = World::new([class(), gw.clone(), r, backend("api", "192.0.2.1")]);
    let names = ["listener/infra/gw/http", "listener/infra/gw/http@2001:db8::1"];
    assert_eq!(world.names("default")[1..3], names);
    assert_eq!(world.listener("default", names[0]).address, "192.0.2.1");
    assert_eq!(world.listener("default", names[1]).address, "2001:db8::1");
    let attached = world.route("default", "route/infra/r").attachments;
    assert_eq!(attached.iter().map(|it| it.listener.as_str()).collect::<Vec<_>>(), names);
    assert_eq!(world.listener_report(&gw, "http").attached_routes, 1);
    assert_eq!(world.listener_report(&gw, "http").programs.len(), 2);

    for address in [json!({"type": "Hostname", "value": "a.example.com"}), json!({"value": "192.0.2.256"})] {
        let gw = with(plain_gateway("gw"), "/spec/addresses", json!([address]));
        let world = World::new([class(), gw.clone()]);
        assert_eq!(world.condition(&gw, "Accepted"), "False UnsupportedAddress");
        assert!(world.held.is_empty());
    }
}

#[test]
fn where_a_gateway_is_reached_is_said_or_asked_of_proxies() {
    let (one, any) = (json!({"value": "192.0.2.1"}), json!({"type": "IPAddress"}));
    for (addresses, source, bound) in [
        (json!([]), AddressSource::Proxies, &[""][..]),
        (json!([one]), AddressSource::Spec, &["192.0.2.1"]),
        (json!([any]), AddressSource::Assigned, &[""]),
        (json!([any, any]), AddressSource::Assigned, &[""]),
        (json!([one, any]), AddressSource::Unassignable(1), &["192.0.2.1"]),
    ] {
        let gw = with(plain_gateway("gw"), "/spec/addresses", addresses.clone());
        let world = World::new([class(), gw.clone()]);
        assert_eq!(world.condition(&gw, "Accepted"), "True Accepted", "{addresses}");
        let reached = world.status(&gw).report.addresses.clone().unwrap();
        assert_eq!((&*reached.fleet, reached.source), ("default", source), "{addresses}");
        assert_eq!(world.listener("default", "listener/infra/gw/http").address, bound[0]);
        let given: Vec<_> = bound.iter().copied().filter(|address| !address.is_empty()).collect();
        assert_eq!(reached.given.iter().map(|(address, _)| address.as_str()).collect::<Vec<_>>(), given);
        for (_, resources) in &reached.given {
            assert_eq!(*resources, world.listener_report(&gw, "http").programs);
        }
    }
}

#[test]
fn a_listener_that_cannot_be_served_leaves_the_others() {
    let cases = [
        (json!({"name": "bad", "protocol": "TCP", "port": 81}), "False UnsupportedProtocol"),
        (json!({"name": "bad", "protocol": "HTTP", "port": 0}), "False UnsupportedValue"),
        (json!({"name": "bad", "protocol": "HTTP", "port": 81, "hostname": "a..b"}), "False UnsupportedValue"),
        (json!({"name": "bad", "protocol": "HTTP", "port": 65536}), "False UnsupportedValue"),
        (json!({"name": "bad", "protocol": "HTTP", "port": 81, "tls": {}}), "False UnsupportedValue"),
        (
            json!({"name": "bad", "protocol": "HTTPS", "port": 81, "tls": {"mode": "Passthrough"}}),
            "False UnsupportedValue",
        ),
        (
            json!({"name": "bad", "protocol": "HTTPS", "port": 81, "tls": {"options": {"a": "b"}}}),
            "False UnsupportedValue",
        ),
    ];
    for (bad, condition) in cases {
        let good = json!({"name": "good", "protocol": "HTTP", "port": 80});
        let gw = gateway("gw", json!([bad, good]));
        let world = World::new([class(), gw.clone()]);
        assert_eq!(world.listener_condition(&gw, "bad", "Accepted"), condition, "{bad}");
        assert!(world.listener_report(&gw, "bad").programs.is_empty());
        assert_eq!(world.listener_condition(&gw, "good", "Accepted"), "True Accepted");
        assert_eq!(world.condition(&gw, "Accepted"), "True ListenersNotValid");
        assert_eq!(world.names("default"), ["listener/infra/gw/good"]);

        let gw = gateway("gw", json!([bad]));
        let world = World::new([class(), gw.clone()]);
        assert_eq!(world.condition(&gw, "Accepted"), "False ListenersNotValid");
    }
}

#[test]
fn kinds_of_routes() {
    let kind = |group: &str, kind: &str| json!({"group": group, "kind": kind});
    let http = || RouteGroupKind { group: Some("gateway.networking.k8s.io".to_owned()), kind: "HTTPRoute".to_owned() };
    let upstream = kind("gateway.networking.k8s.io", "HTTPRoute");
    let cases = [
        (json!([]), vec![http()], "True ResolvedRefs", "True Accepted"),
        (json!([upstream]), vec![http()], "True ResolvedRefs", "True Accepted"),
        (json!([{"kind": "HTTPRoute"}]), vec![http()], "True ResolvedRefs", "True Accepted"),
        (json!([{"kind": "TCPRoute"}, upstream]), vec![http()], "False InvalidRouteKinds", "True Accepted"),
        (json!([{"kind": "TCPRoute"}]), vec![], "False InvalidRouteKinds", "False NotAllowedByListeners"),
        (json!([kind("example.com", "HTTPRoute")]), vec![], "False InvalidRouteKinds", "False NotAllowedByListeners"),
    ];
    for (kinds, supported, resolved, accepted) in cases {
        let gw = with(plain_gateway("gw"), "/spec/listeners/0/allowedRoutes", json!({"kinds": kinds}));
        let r = simple_route("r", "gw", "api");
        let world = World::new([class(), gw.clone(), r.clone(), backend("api", "192.0.2.1")]);
        assert_eq!(world.listener_report(&gw, "http").supported_kinds, supported, "{kinds}");
        assert_eq!(world.listener_condition(&gw, "http", "ResolvedRefs"), resolved);
        assert_eq!(world.condition(&r, "Accepted"), accepted);
    }
}

#[test]
fn listeners_of_one_gateway_that_cannot_be_told_apart_are_all_refused() {
    let http = json!({"name": "a", "protocol": "HTTP", "port": 80, "hostname": "a.example.com"});
    let twin = json!({"name": "b", "protocol": "HTTP", "port": 80, "hostname": "A.example.com"});
    let other = json!({"name": "c", "protocol": "HTTP", "port": 80, "hostname": "c.example.com"});
    let gw = gateway("gw", json!([http, twin, other]));
    let world = World::new([class(), gw.clone()]);
    for name in ["a", "b"] {
        assert_eq!(world.listener_condition(&gw, name, "Conflicted"), "True HostnameConflict");
        assert_eq!(world.listener_condition(&gw, name, "Accepted"), "False PortUnavailable");
    }
    assert_eq!(world.listener_condition(&gw, "c", "Conflicted"), "False NoConflicts");
    assert_eq!(world.names("default"), ["listener/infra/gw/c"]);

    let https = json!({"name": "d", "protocol": "HTTPS", "port": 80});
    let world = World::new([class(), gateway("gw", json!([other, https]))]);
    for name in ["c", "d"] {
        assert_eq!(world.listener_condition(&gw, name, "Conflicted"), "True ProtocolConflict");
    }
    assert!(world.held.is_empty());
}

#[test]
fn between_gateways_the_older_one_wins() {
    let old = created(plain_gateway("z-old"), 1);
    let young = created(plain_gateway("a-young"), 2);
    let r = simple_route("r", "a-young", "api");
    let mut world = World::new([class(), young.clone(), r.clone(), backend("api", "192.0.2.1")]);
    assert!(world.names("default").contains(&"listener/infra/a-young/http"));
    world.set(old.clone());
    assert_eq!(world.names("default"), ["listener/infra/z-old/http"]);
    assert_eq!(world.listener_condition(&young, "http", "Conflicted"), "True HostnameConflict");
    assert_eq!(world.listener_condition(&old, "http", "Conflicted"), "False NoConflicts");
    // The route is attached all the same; its listener is what is not served.
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    assert_eq!(world.listener_report(&young, "http").attached_routes, 1);

    world.remove(old);
    assert_eq!(world.listener_condition(&young, "http", "Conflicted"), "False NoConflicts");
    assert_eq!(world.names("default"), ["backend/api", "listener/infra/a-young/http", "route/infra/r"]);
}

#[test]
fn what_conflicts_between_gateways() {
    let cases = [
        // Older, younger, and what becomes of the younger.
        (json!({}), json!({"hostname": "a.example.com"}), json!([]), "False NoConflicts"),
        (
            json!({"hostname": "a.example.com"}),
            json!({"hostname": "a.example.com"}),
            json!([]),
            "True HostnameConflict",
        ),
        (json!({}), json!({"port": 81}), json!([]), "False NoConflicts"),
        (json!({}), json!({"protocol": "HTTPS", "hostname": "a.example.com"}), json!([]), "True ProtocolConflict"),
        (json!({}), json!({"protocol": "HTTPS", "port": 443}), json!([]), "False NoConflicts"),
        (json!({}), json!({}), json!([{"value": "192.0.2.1"}]), "False NoConflicts"),
        (json!({}), json!({"protocol": "HTTPS"}), json!([{"value": "192.0.2.1"}]), "True ProtocolConflict"),
    ];
    for (older, younger, addresses, expected) in cases {
        let of = |name: &str, second: u32, other: &Value| {
            let mut listener = json!({"name": "l", "protocol": "HTTP", "port": 80});
            listener.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            created(gateway(name, json!([listener])), second)
        };
        let old = of("old", 1, &older);
        let young = with(of("young", 2, &younger), "/spec/addresses", addresses.clone());
        let world = World::new([class(), old.clone(), young.clone()]);
        assert_eq!(world.listener_condition(&young, "l", "Conflicted"), expected, "{older} {younger} {addresses}");
        assert_eq!(world.listener_condition(&old, "l", "Conflicted"), "False NoConflicts");
    }
}

#[test]
fn gateways_of_different_fleets_and_addresses_do_not_meet() {
    let infrastructure = json!({"parametersRef": {"kind": "Proxy", "name": "edge"}});
    let edge = with(plain_gateway("edge"), "/spec/infrastructure", infrastructure);
    let one = with(plain_gateway("one"), "/spec/addresses", json!([{"value": "192.0.2.1"}]));
    let two = with(plain_gateway("two"), "/spec/addresses", json!([{"value": "192.0.2.2"}]));
    let world = World::new([class(), proxy("edge"), edge, one, two]);
    assert_eq!(world.names("edge"), ["listener/infra/edge/http"]);
    assert_eq!(world.names("default"), ["listener/infra/one/http", "listener/infra/two/http"]);
}

#[test]
fn listeners_can_be_changed() {
    let gw = gateway(
        "gw",
        json!([{"name": "a", "protocol": "HTTP", "port": 80}, {"name": "b", "protocol": "HTTP", "port": 81}]),
    );
    let r = simple_route("r", "gw", "api");
    let mut world = World::new([class(), gw.clone(), r, backend("api", "192.0.2.1")]);
    let changed = gateway("gw", json!([{"name": "b", "protocol": "HTTP", "port": 82}]));
    world.set(with(changed, "/metadata/generation", json!(2)));
    assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/b", "route/infra/r"]);
    assert_eq!(world.listener("default", "listener/infra/gw/b").port, 82);
    assert_eq!(world.status(&gw).generation, 2);
    let attached = world.route("default", "route/infra/r").attachments;
    assert_eq!(attached.iter().map(|it| it.listener.as_str()).collect::<Vec<_>>(), ["listener/infra/gw/b"]);
    world.remove(gw);
    assert!(world.held.is_empty());
}

#[test]
fn an_unreadable_gateway_keeps_its_last_good_version() {
    let gw = plain_gateway("gw");
    let mut world = World::new([class(), gw.clone()]);
    let output = world.set(gateway("gw", json!("all")));
    assert!(output.fleets.is_empty());
    assert_eq!(world.condition(&gw, "Accepted"), "False Invalid");
    assert_eq!(world.listener_condition(&gw, "http", "Accepted"), "True Accepted");
    assert!(world.status(&gw).programs.is_empty());

    let world = World::new([class(), gateway("gw", json!("all"))]);
    assert_eq!(world.condition(&gw, "Accepted"), "False Invalid");
}
