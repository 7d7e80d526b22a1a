use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::config::{
    self, Attachment, BackendRef, Endpoint, Forward, Match, PathMatch, Rule, StaticEndpoints, WeightedBackend,
    endpoint, path_match, resource, rule, weighted_backend,
};
use backstay_xds::ResourceChange;
use bytes::Bytes;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::route::v3 as routes;
use prost::Message;

use crate::{Audience, Options, TypeUrl, View};

fn backend(hosts: Vec<endpoint::Host>, protocol: config::backend::Protocol) -> resource::Kind {
    let endpoints = hosts.into_iter().map(|host| Endpoint { host: Some(host), ..Default::default() }).collect();
    let list = StaticEndpoints { endpoints, ..Default::default() };
    let discovery = Some(config::backend::Discovery::Static(list));
    resource::Kind::Backend(config::Backend { discovery, protocol: protocol.into(), ..Default::default() })
}

fn to(name: &str, weight: u32) -> WeightedBackend {
    let target = Some(weighted_backend::Target::Backend(BackendRef { backend: name.to_owned(), port: 80 }));
    WeightedBackend { weight, target, ..Default::default() }
}

fn made() -> BTreeMap<(TypeUrl, String), Bytes> {
    let ip = |text: &str| endpoint::Host::Ip(text.to_owned());
    let http2 = config::backend::Protocol::Http2;
    let listener =
        config::Listener { port: 8080, protocol: config::listener::Protocol::Http.into(), ..Default::default() };
    let path = PathMatch { kind: Some(path_match::Kind::Prefix("/pkg.Service".to_owned())) };
    let backends = vec![to("backend/one", 1), to("backend/name", 1), to("backend/one", 2), to("backend/old", 0)];
    let rule = Rule {
        matches: vec![Match { path: Some(path), ..Default::default() }],
        action: Some(rule::Action::Forward(Forward { backends, ..Default::default() })),
        ..Default::default()
    };
    let hostnames = vec!["app.example".to_owned(), "*.wild.example".to_owned()];
    let attachments = vec![Attachment { listener: "listener/n/web/http".to_owned(), hostnames }];
    let route = config::Route { attachments, rules: vec![rule], ..Default::default() };
    let all = [
        ("listener/n/web/http", resource::Kind::Listener(listener)),
        ("backend/one", backend(vec![ip("10.0.0.1"), ip("10.0.0.2")], http2)),
        ("backend/name", backend(vec![endpoint::Host::Fqdn("a.example".to_owned())], http2)),
        ("backend/old", backend(vec![ip("10.0.0.3")], config::backend::Protocol::Http1)),
        ("route/n/app", resource::Kind::Route(route)),
    ];
    let mut view = View::new(Audience::Grpc, Options::default());
    let changes =
        all.map(|(name, kind)| (Arc::from(name), Some(config::Resource { kind: Some(kind) }.encode_to_vec().into())));
    let changes = view.apply(changes).changes.into_iter();
    changes
        .flat_map(|(kind, changes)| changes.into_iter().map(move |change| (kind, change)))
        .map(|(kind, change)| match change {
            ResourceChange::Put(resource) => ((kind, resource.name().to_string()), resource.value().clone()),
            ResourceChange::Remove(name) => panic!("{name} was never there"),
        })
        .collect()
}

#[test]
fn targets_are_hosts_of_routes_and_names_of_backends() {
    let made = made();
    let named = |wanted: TypeUrl| {
        made.keys().filter(move |(kind, _)| *kind == wanted).map(|(_, name)| &**name).collect::<Vec<_>>()
    };
    let targets = ["app.example", "app.example:8080", "name", "name:80", "one", "one:80"];
    assert_eq!(named(TypeUrl::Listener), targets);
    assert_eq!(named(TypeUrl::Cluster), ["backend/name:80", "backend/one:80"]);
    // A name is resolved by the client itself.
    assert_eq!(named(TypeUrl::Endpoints), ["backend/one:80"]);
}

#[test]
fn each_endpoint_is_somewhere_and_each_place_has_a_weight() {
    let made = made();
    let assignment = made[&(TypeUrl::Endpoints, "backend/one:80".to_owned())].clone();
    let groups = ClusterLoadAssignment::decode(assignment).unwrap().endpoints;
    assert_eq!(groups.len(), 1);
    assert!(groups[0].locality.is_some() && groups[0].load_balancing_weight.is_some());
    assert_eq!(groups[0].lb_endpoints.len(), 2);
}

#[test]
fn shares_are_of_what_is_left_since_each_route_draws_anew() {
    let made = made();
    let configuration = made[&(TypeUrl::Routes, "routes/app.example".to_owned())].clone();
    let configuration = routes::RouteConfiguration::decode(configuration).unwrap();
    let routes = &configuration.virtual_hosts[0].routes;
    let shares: Vec<_> = routes
        .iter()
        .map(|route| {
            let share = route.r#match.as_ref().unwrap().runtime_fraction.as_ref();
            share.map(|share| share.default_value.unwrap().numerator)
        })
        .collect();
    assert_eq!(shares, [Some(250_000), Some(333_333), None]);
    let text = format!("{:?}", routes[0].r#match);
    assert!(text.contains(r"/pkg\\.Service(?:/.*)?"), "{text}");
}
