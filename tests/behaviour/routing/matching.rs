//! Which requests a rule is for.

use std::net::SocketAddr;

use serde_json::json;

use super::{Stage, reached};
use crate::harness::rest::{GATEWAYS, ROUTES};
use crate::harness::{manifest, port};

#[tokio::test(flavor = "multi_thread")]
async fn paths_headers_queries_and_methods_match_in_the_order_of_gateway_api() {
    let stage = Stage::new().await;
    let path = |kind: &str, value: &str| json!({"path": {"type": kind, "value": value}});
    let rules = vec![
        stage.rule(json!([path("PathPrefix", "/")]), "c"),
        stage.rule(json!([path("PathPrefix", "/v1")]), "b"),
        stage.rule(json!([path("Exact", "/v1/exact")]), "a"),
        stage.rule(json!([path("PathPrefix", "/v1/longer")]), "a"),
        stage.rule(json!([path("RegularExpression", "/re/[0-9]+")]), "a"),
        stage.rule(json!([path("PathPrefix", "/slash/")]), "a"),
        // Alternatives, each enough.
        stage.rule(json!([path("Exact", "/or/one"), path("Exact", "/or/two")]), "a"),
    ];
    stage.route("paths", &["paths.test"], rules).await;
    for (path, upstream) in [
        ("/", "c"),
        ("/v1", "b"),
        ("/v1/", "b"),
        ("/v1?x=1", "b"),
        ("/v1/more", "b"),
        ("/v12", "c"),
        ("/V1", "c"),
        ("/v1/exact", "a"),
        ("/v1/exact?x", "a"),
        ("/v1/exact/", "b"),
        ("/v1/longer/x", "a"),
        ("/v1/longerx", "b"),
        ("/re/42", "a"),
        ("/re/x", "c"),
        ("/slash", "a"),
        ("/slash/x", "a"),
        ("/slashx", "c"),
        ("/or/one", "a"),
        ("/or/two", "a"),
        ("/or/three", "c"),
    ] {
        assert_eq!(stage.reaches("paths.test", path).await, upstream, "{path}");
    }

    let header = |kind: &str, name: &str, value: &str| json!({"type": kind, "name": name, "value": value});
    let rules = vec![
        stage.rule(json!([{"headers": [header("Exact", "version", "two")]}]), "b"),
        // More headers beat fewer, whatever the order.
        stage.rule(json!([{"headers": [header("Exact", "Version", "two"), header("Exact", "colour", "blue")]}]), "a"),
        stage.rule(json!([{"headers": [header("RegularExpression", "colour", "gr.*n")]}]), "a"),
        stage.rule(json!([{"queryParams": [{"name": "animal", "value": "whale"}]}]), "b"),
        stage.rule(
            json!([{"queryParams": [{"name": "animal", "value": "whale"}, {"name": "Animal", "value": "x"}]}]),
            "a",
        ),
        // A method beats headers.
        stage.rule(json!([{"method": "PATCH"}]), "c"),
        stage.rule(json!([{"method": "PATCH", "headers": [header("Exact", "colour", "blue")]}]), "a"),
        // A longer path beats a method.
        stage.rule(json!([{"path": {"type": "PathPrefix", "value": "/long"}}]), "a"),
    ];
    stage.route("matches", &["matches.test"], rules).await;
    for (method, path, headers, upstream) in [
        ("GET", "/", &[][..], "404"),
        ("GET", "/", &[("VERSION", "two")], "b"),
        ("GET", "/", &[("version", "Two")], "404"),
        ("GET", "/", &[("version", "two"), ("colour", "blue")], "a"),
        ("GET", "/", &[("colour", "green")], "a"),
        ("GET", "/", &[("colour", "red")], "404"),
        ("GET", "/?animal=whale", &[], "b"),
        ("GET", "/?a=b&animal=whale&c", &[], "b"),
        ("GET", "/?animal=whales", &[], "404"),
        ("GET", "/?animal=whale&Animal=x", &[], "a"),
        ("GET", "/?animal=whale", &[("version", "two")], "b"),
        ("PATCH", "/", &[], "c"),
        ("PATCH", "/", &[("colour", "blue")], "a"),
        ("PATCH", "/", &[("version", "two"), ("colour", "green")], "c"),
        ("PATCH", "/long", &[], "a"),
    ] {
        let answer = stage.send(method, "matches.test", path, headers).await;
        assert_eq!(reached(&answer), upstream, "{method} {path} {headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostnames_of_listeners_and_routes_intersect_and_the_most_precise_wins() {
    let stage = Stage::new().await;
    let listen = port::free();
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    let mut gateway = manifest::gateway("hosts", listen);
    gateway["spec"]["listeners"] = json!([
        {"name": "exact", "protocol": "HTTP", "port": listen, "hostname": "very.specific.test"},
        {"name": "wild", "protocol": "HTTP", "port": listen, "hostname": "*.wild.test"},
        {"name": "any", "protocol": "HTTP", "port": listen},
    ]);
    stage.rest.create(&gateway).await;
    let route = |name: &str, section: Option<&str>, hostnames: &[&str], backend: &str| {
        let mut route = manifest::route(name, "hosts", "unused", backend, stage.port(backend));
        route["spec"]["hostnames"] = json!(hostnames);
        if let Some(section) = section {
            route["spec"]["parentRefs"][0]["sectionName"] = section.into();
        }
        route
    };
    for route in [
        route("wild", Some("wild"), &["*.wild.test", "a.wild.test", "other.test"], "a"),
        route("deeper", Some("wild"), &["*.deep.wild.test"], "b"),
        route("exact", Some("exact"), &["*.specific.test"], "c"),
        route("any", Some("any"), &["*.test", "plain.test"], "b"),
    ] {
        let name = route["metadata"]["name"].as_str().unwrap().to_owned();
        stage.rest.create(&route).await;
        stage.rest.wait_for(&format!("{ROUTES}/{name}"), "Accepted").await;
    }
    let none = route("none", Some("exact"), &["nothing.example"], "a");
    stage.rest.create(&none).await;
    let told = stage
        .rest
        .wait_until(&format!("{ROUTES}/none"), "refused", |route| {
            route["status"]["parents"][0]["conditions"].to_string().contains("NoMatchingListenerHostname")
        })
        .await;
    assert_eq!(told["status"]["parents"][0]["conditions"][0]["status"], "False", "{told:#}");
    stage.rest.wait_for(&format!("{GATEWAYS}/hosts"), "Programmed").await;
    stage.settled().await;
    for (host, upstream) in [
        ("a.wild.test", "a"),
        ("b.c.wild.test", "a"),
        ("x.deep.wild.test", "b"),
        ("A.WILD.TEST", "a"),
        ("a.wild.test:1234", "a"),
        ("wild.test", "b"),
        ("very.specific.test", "c"),
        // It is the listener for all hosts that this one belongs to, and the route is not of that.
        ("less.specific.test", "b"),
        ("plain.test", "b"),
        ("other.test", "b"),
        ("test", "404"),
        ("nothing.example", "404"),
    ] {
        let answer = stage.client.get(address, host, "/").await.unwrap();
        assert_eq!(reached(&answer), upstream, "{host}");
    }
    let read = stage.rest.read(&format!("{GATEWAYS}/hosts")).await;
    let attached: Vec<_> =
        read["status"]["listeners"].as_array().unwrap().iter().map(|listener| &listener["attachedRoutes"]).collect();
    assert_eq!(attached, [1, 2, 1]);
}
