use serde_json::{Value, json};

use super::{World, backend, class, gateway, namespace, plain_gateway, proxy, route, set, simple_route, with};
use crate::Change;

fn attachments(world: &World, fleet: &str, name: &str) -> Vec<(String, Vec<String>)> {
    let route = world.route(fleet, name);
    route.attachments.into_iter().map(|it| (it.listener, it.hostnames)).collect()
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_route_attaches_where_hosts_intersect() {
    let gw = gateway(
        "gw",
        json!([
            {"name": "exact", "protocol": "HTTP", "port": 80, "hostname": "very.specific.com"},
            {"name": "wild", "protocol": "HTTP", "port": 80, "hostname": "*.wildcard.io"},
            {"name": "other", "protocol": "HTTP", "port": 80, "hostname": "*.anotherwildcard.io"},
        ]),
    );
    let hostnames = json!(["non.matching.com", "*.nonmatchingwildcard.io", "foo.wildcard.io", "very.specific.com"]);
    let r = with(simple_route("r", "gw", "api"), "/spec/hostnames", hostnames);
    let world = World::new([class(), gw.clone(), backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(
        attachments(&world, "default", "route/infra/r"),
        [
            ("listener/infra/gw/exact".to_owned(), hosts(&["very.specific.com"])),
            ("listener/infra/gw/wild".to_owned(), hosts(&["foo.wildcard.io"])),
        ]
    );
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    let counts: Vec<_> =
        ["exact", "wild", "other"].iter().map(|it| world.listener_report(&gw, it).attached_routes).collect();
    assert_eq!(counts, [1, 1, 0]);
}

#[test]
fn a_route_keeps_its_own_names_on_a_listener_that_has_fewer_hosts() {
    let gw = gateway("gw", json!([{"name": "http", "protocol": "HTTP", "port": 80, "hostname": "abc.example.com"}]));
    let named = |name: &str, host: &str| with(simple_route(name, "gw", "api"), "/spec/hostnames", json!([host]));
    let routes = [named("wide", "*.example.com"), named("exact", "abc.example.com"), named("wider", "*.com")];
    let world = World::new([class(), gw, backend("api", "192.0.2.1")].into_iter().chain(routes));
    for (name, host) in [("wide", "*.example.com"), ("exact", "abc.example.com"), ("wider", "*.com")] {
        let attached = world.route("default", &format!("route/infra/{name}")).attachments;
        assert_eq!(attached[0].hostnames, [host], "the more specific is told by it, not by what it shares");
    }
}

#[test]
fn a_route_that_shares_no_host_is_not_accepted() {
    let gw = gateway("gw", json!([{"name": "http", "protocol": "HTTP", "port": 80, "hostname": "a.example.com"}]));
    let r = with(simple_route("r", "gw", "api"), "/spec/hostnames", json!(["b.example.com"]));
    let world = World::new([class(), gw.clone(), backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(world.condition(&r, "Accepted"), "False NoMatchingListenerHostname");
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
    assert_eq!(world.listener_report(&gw, "http").attached_routes, 0);
    assert!(world.status(&backend("api", "192.0.2.1")).programs.is_empty());
}

#[test]
fn section_and_port_choose_listeners() {
    let gw = gateway(
        "gw",
        json!([
            {"name": "one", "protocol": "HTTP", "port": 80},
            {"name": "two", "protocol": "HTTP", "port": 8080},
            {"name": "three", "protocol": "HTTP", "port": 8090},
        ]),
    );
    let cases: &[(Value, &[&str])] = &[
        (json!({"name": "gw"}), &["one", "three", "two"]),
        (json!({"name": "gw", "sectionName": "two"}), &["two"]),
        (json!({"name": "gw", "port": 8090}), &["three"]),
        (json!({"name": "gw", "sectionName": "one", "port": 80}), &["one"]),
        (json!({"name": "gw", "sectionName": "one", "port": 8080}), &[]),
        (json!({"name": "gw", "sectionName": "four"}), &[]),
        (json!({"name": "gw", "port": 81}), &[]),
        (json!({"name": "no-such-gateway"}), &[]),
        (json!({"name": "gw", "namespace": "elsewhere"}), &[]),
        (json!({"name": "gw", "kind": "Service", "group": ""}), &[]),
    ];
    for (parent, listeners) in cases {
        let r = with(simple_route("r", "gw", "api"), "/spec/parentRefs", json!([parent]));
        let world = World::new([class(), gw.clone(), backend("api", "192.0.2.1"), r.clone()]);
        if listeners.is_empty() {
            assert_eq!(world.condition(&r, "Accepted"), "False NoMatchingParent", "{parent}");
            assert!(!world.names("default").contains(&"route/infra/r"));
        } else {
            let attached: Vec<_> =
                attachments(&world, "default", "route/infra/r").into_iter().map(|(name, _)| name).collect();
            let expected: Vec<_> = listeners.iter().map(|name| format!("listener/infra/gw/{name}")).collect();
            assert_eq!(attached, expected, "{parent}");
        }
    }
}

#[test]
fn each_parent_has_its_own_conditions() {
    let r = with(
        simple_route("r", "gw", "api"),
        "/spec/parentRefs",
        json!([{"name": "gw", "sectionName": "http"}, {"name": "gw", "sectionName": "none"}, {"name": "gw2"}]),
    );
    let gw2 = with(plain_gateway("gw2"), "/spec/listeners/0/port", json!(81));
    let gw = plain_gateway("gw");
    let world = World::new([class(), gw.clone(), gw2.clone(), backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(world.parents(&r, "Accepted"), ["True Accepted", "False NoMatchingParent", "True Accepted"]);
    assert_eq!(world.parents(&r, "ResolvedRefs"), ["True ResolvedRefs"; 3]);
    assert_eq!(world.listener_report(&gw, "http").attached_routes, 1);
    assert_eq!(world.listener_report(&gw2, "http").attached_routes, 1);
    let attached = attachments(&world, "default", "route/infra/r");
    assert_eq!(
        attached,
        [("listener/infra/gw/http".to_owned(), vec![]), ("listener/infra/gw2/http".to_owned(), vec![])]
    );
}

#[test]
fn a_route_reaches_every_fleet_of_its_gateways_and_no_other() {
    let on = |fleet: &str| json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": fleet}});
    let east = with(plain_gateway("east"), "/spec/infrastructure", on("east"));
    let west = with(plain_gateway("west"), "/spec/infrastructure", on("west"));
    let both =
        with(simple_route("both", "east", "api"), "/spec/parentRefs", json!([{"name": "east"}, {"name": "west"}]));
    let only = simple_route("only", "west", "db");
    let mut world = World::new([
        class(),
        proxy("east"),
        proxy("west"),
        east,
        west,
        backend("api", "192.0.2.1"),
        backend("db", "192.0.2.2"),
        both.clone(),
        only,
    ]);
    assert_eq!(world.names("east"), ["backend/api", "listener/infra/east/http", "route/infra/both"]);
    assert_eq!(
        world.names("west"),
        ["backend/api", "backend/db", "listener/infra/west/http", "route/infra/both", "route/infra/only"]
    );
    assert!(world.names("default").is_empty());
    let programs = &world.status(&backend("api", "192.0.2.1")).programs;
    assert_eq!(programs[..], [("east".into(), "backend/api".into()), ("west".into(), "backend/api".into())]);

    world.set(with(both, "/spec/parentRefs", json!([{"name": "east"}])));
    assert_eq!(world.names("west"), ["backend/db", "listener/infra/west/http", "route/infra/only"]);
}

#[test]
fn listeners_choose_namespaces() {
    let shop = |labels: Value| namespace("shop", labels);
    let selector = json!({"from": "Selector", "selector": {"matchLabels": {"team": "web"}}});
    let named = json!({"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}});
    let expressions = |operator: &str, values: Value| {
        let requirement = json!([{"key": "team", "operator": operator, "values": values}]);
        json!({"from": "Selector", "selector": {"matchExpressions": requirement}})
    };
    let web = || json!({"team": "web"});
    let cases = [
        (json!({"from": "Same"}), web(), false),
        (json!({"from": "All"}), web(), true),
        (json!({"from": "None"}), web(), false),
        (json!({"from": "Selector"}), web(), false),
        (selector.clone(), web(), true),
        (selector, json!({"team": "api"}), false),
        (named, json!({}), true),
        (expressions("In", json!(["web", "api"])), web(), true),
        (expressions("In", json!(["api"])), web(), false),
        (expressions("NotIn", json!(["api"])), web(), true),
        (expressions("NotIn", json!(["web"])), web(), false),
        (expressions("NotIn", json!(["web"])), json!({}), true),
        (expressions("Exists", json!([])), web(), true),
        (expressions("Exists", json!([])), json!({}), false),
        (expressions("DoesNotExist", json!([])), web(), false),
        (expressions("DoesNotExist", json!([])), json!({}), true),
        (expressions("Like", json!(["web"])), web(), false),
    ];
    for (from, labels, permitted) in cases {
        let gw = with(plain_gateway("gw"), "/spec/listeners/0/allowedRoutes", json!({"namespaces": from}));
        let r = with(simple_route("r", "gw", "api"), "/metadata/namespace", json!("shop"));
        let r = with(r, "/spec/parentRefs", json!([{"name": "gw", "namespace": "infra"}]));
        let world = World::new([class(), shop(labels.clone()), gw.clone(), backend("api", "192.0.2.1"), r.clone()]);
        let expected = if permitted { "True Accepted" } else { "False NotAllowedByListeners" };
        assert_eq!(world.condition(&r, "Accepted"), expected, "{from} with {labels}");
        assert_eq!(world.names("default").contains(&"route/shop/r"), permitted);
        assert_eq!(world.listener_report(&gw, "http").attached_routes, i32::from(permitted));
    }
}

#[test]
fn labels_of_namespaces_take_effect_when_they_change() {
    let from = json!({"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}});
    let gw = with(plain_gateway("gw"), "/spec/listeners/0/allowedRoutes", from);
    let r = with(simple_route("r", "gw", "api"), "/metadata/namespace", json!("shop"));
    let r = with(r, "/spec/parentRefs", json!([{"name": "gw", "namespace": "infra"}]));
    let mut world = World::new([class(), gw, backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(world.condition(&r, "Accepted"), "False NotAllowedByListeners");
    world.set(namespace("shop", json!({"team": "web"})));
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    world.remove(namespace("shop", json!({})));
    assert_eq!(world.condition(&r, "Accepted"), "False NotAllowedByListeners");
    assert_eq!(world.names("default"), ["listener/infra/gw/http"]);
}

/// The same kinds, as Apoxy serves them: without namespaces.
fn apoxy(value: Value) -> Value {
    let mut value = with(value, "/apiVersion", json!("gateway.apoxy.dev/v1"));
    value["metadata"].as_object_mut().unwrap().remove("namespace");
    value
}

#[test]
fn apoxys_manifests_are_served_as_they_are() {
    let objects = [
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "edge"},
            "spec": {"provider": "unmanaged"}}),
        json!({"apiVersion": "gateway.apoxy.dev/v1", "kind": "GatewayClass", "metadata": {"name": "apoxy"},
            "spec": {"controllerName": "gateway.apoxy.dev/gatewayclass-controller"}}),
        json!({"apiVersion": "gateway.apoxy.dev/v1", "kind": "Gateway", "metadata": {"name": "edge-gw"},
            "spec": {"gatewayClassName": "apoxy",
                "infrastructure": {"parametersRef": {"kind": "Proxy", "name": "edge"}},
                "listeners": [{"name": "http", "protocol": "HTTP", "port": 10000}]}}),
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "api"},
            "spec": {"endpoints": [{"fqdn": "api.example.com"}], "protocol": "tls"}}),
        json!({"apiVersion": "gateway.apoxy.dev/v1", "kind": "HTTPRoute", "metadata": {"name": "api"},
            "spec": {"parentRefs": [{"kind": "Gateway", "name": "edge-gw", "port": 10000}],
                "hostnames": ["www.example.com"],
                "rules": [{"backendRefs": [{"kind": "Backend", "name": "api", "port": 443}],
                    "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "api.example.com"}}]}]}}),
    ];
    let world = World::new(objects);
    assert_eq!(world.names("edge"), ["backend/api", "listener/edge-gw/http", "route/api"]);
    let attached = attachments(&world, "edge", "route/api");
    assert_eq!(attached, [("listener/edge-gw/http".to_owned(), hosts(&["www.example.com"]))]);
}

#[test]
fn routes_may_cross_between_the_groups() {
    let group = json!("gateway.networking.k8s.io");
    let api = backend("api", "192.0.2.1");
    // A route with a namespace, to a Gateway without one.
    let to_apoxy = json!([{"group": "gateway.apoxy.dev", "name": "gw"}]);
    let r = with(simple_route("r", "gw", "api"), "/spec/parentRefs", to_apoxy);
    let world = World::new([apoxy(class()), apoxy(plain_gateway("gw")), api.clone(), r.clone()]);
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    assert_eq!(world.names("default"), ["backend/api", "listener/gw/http", "route/infra/r"]);

    // A route without a namespace, to a Gateway with one: only where all namespaces may.
    let to_upstream = json!([{"group": group, "namespace": "infra", "name": "gw"}]);
    let r = apoxy(with(simple_route("r", "gw", "api"), "/spec/parentRefs", to_upstream));
    let mut world = World::new([class(), plain_gateway("gw"), api, r.clone()]);
    assert_eq!(world.condition(&r, "Accepted"), "False NotAllowedByListeners");
    let from_all = json!({"namespaces": {"from": "All"}});
    world.set(with(plain_gateway("gw"), "/spec/listeners/0/allowedRoutes", from_all));
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    assert_eq!(world.names("default"), ["backend/api", "listener/infra/gw/http", "route/r"]);
}

#[test]
fn older_routes_come_first_then_names() {
    let key = |created: &str, name: &str| {
        let r = with(simple_route(name, "gw", "api"), "/metadata/creationTimestamp", json!(created));
        let world = World::new([class(), plain_gateway("gw"), backend("api", "192.0.2.1"), r]);
        world.route("default", &format!("route/infra/{name}")).order_key
    };
    let first = key("2024-05-01T10:00:00Z", "z");
    assert_eq!(first, "2024-05-01T10:00:00Z/infra/z");
    assert!(first < key("2024-05-01T10:00:01Z", "a"));
    assert!(key("2024-05-01T10:00:00.5Z", "a") < first);
    assert!(key("2024-05-01T10:00:00Z", "a") < first);
}

#[test]
fn a_route_reports_its_own_generation_and_programs() {
    let r = with(simple_route("r", "gw", "api"), "/metadata/generation", json!(7));
    let mut world = World::new([class(), plain_gateway("gw"), backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(world.status(&r).generation, 7);
    assert_eq!(world.status(&r).programs, [("default".into(), "route/infra/r".into())]);
    // A new generation with the same meaning is said, and sent nowhere.
    let output = world.set(with(r.clone(), "/metadata/generation", json!(8)));
    assert!(output.fleets.is_empty());
    assert_eq!(world.status(&r).generation, 8);
}

#[test]
fn an_unreadable_route_keeps_its_last_good_version() {
    let r = simple_route("r", "gw", "api");
    let mut world = World::new([class(), plain_gateway("gw"), backend("api", "192.0.2.1"), r.clone()]);
    let output = world.set(route("r", "gw", json!("all of them")));
    assert!(output.fleets.is_empty());
    assert_eq!(world.condition(&r, "Accepted"), "False UnsupportedValue");
    world.set(r.clone());
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
}

#[test]
fn gateways_that_wait_or_are_refused_are_named() {
    let r = simple_route("r", "gw", "api");
    let mut world = World::new([plain_gateway("gw"), backend("api", "192.0.2.1"), r.clone()]);
    assert_eq!(world.condition(&r, "Accepted"), "Unknown Pending");
    assert!(world.names("default").is_empty());
    world.set(class());
    assert_eq!(world.condition(&r, "Accepted"), "True Accepted");
    let lost = json!({"parametersRef": {"kind": "Proxy", "name": "lost"}});
    world.set(with(plain_gateway("gw"), "/spec/infrastructure", lost));
    assert_eq!(world.condition(&r, "Accepted"), "False Pending");
    assert!(world.message(&r, "Accepted").contains("Proxy lost does not exist"));
    assert!(world.names("default").is_empty());
}

#[test]
fn equal_objects_compile_to_equal_bytes_in_order_of_listeners() {
    let objects = || {
        let listeners: Vec<_> =
            (0..20).map(|it| json!({"name": format!("l{it}"), "protocol": "HTTP", "port": 8000 + it})).collect();
        [class(), gateway("gw", json!(listeners)), backend("api", "192.0.2.1"), simple_route("r", "gw", "api")]
    };
    let (one, other) = (World::new(objects()), World::new(objects()));
    assert_eq!(one.held, other.held);
    let listeners = attachments(&one, "default", "route/infra/r");
    assert!(listeners.is_sorted());
    assert_eq!(listeners.len(), 20);
}

#[test]
fn changes_name_objects_by_kind() {
    let change: Change = set(backend("api", "192.0.2.1"));
    assert_eq!(format!("{:?}", change.key), "backends.core.apoxy.dev/api");
    assert_eq!(set(plain_gateway("gw")).key.to_string(), "Gateway infra/gw");
    assert!(backstay_resources::Registry::built_in().by_kind("v1", "Pod").is_none());
}
