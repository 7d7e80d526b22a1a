//! What of Envoy's changes with what of a fleet's.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::config::{
    self, Attachment, BackendRef, DnsCache, DynamicForward, Endpoint, Forward, Match, PathMatch, Rule, StaticEndpoints,
    WeightedBackend, endpoint, path_match, resource, rule, weighted_backend,
};
use backstay_xds::ResourceChange;
use bytes::Bytes;
use envoy_types::pb::envoy::config::listener::v3 as listeners;
use envoy_types::pb::envoy::config::route::v3 as routes;
use prost::Message;

use super::{Audience, Options, View};
use crate::{Severity, TypeUrl};

/// What an Envoy holds that takes in every update.
#[derive(Default)]
struct Held(BTreeMap<(TypeUrl, Arc<str>), Bytes>);

/// Brings a view, and an Envoy, to a new state; the names of what was sent, and with a minus of what was removed.
fn step(view: &mut View, held: &mut Held, changes: Vec<(&str, Option<resource::Kind>)>) -> Vec<String> {
    let encoded = changes.into_iter().map(|(name, kind)| {
        let value = kind.map(|kind| config::Resource { kind: Some(kind) }.encode_to_vec().into());
        (Arc::from(name), value)
    });
    let mut told = Vec::new();
    for (kind, changes) in view.apply(encoded).changes {
        for change in changes {
            match change {
                ResourceChange::Put(resource) => {
                    told.push(resource.name().to_string());
                    held.0.insert((kind, resource.name().clone()), resource.value().clone());
                }
                ResourceChange::Remove(name) => {
                    told.push(format!("-{name}"));
                    held.0.remove(&(kind, name));
                }
            }
        }
    }
    told
}

fn listener(port: u32, hostname: &str) -> Option<resource::Kind> {
    Some(resource::Kind::Listener(config::Listener {
        address: "127.0.0.1".to_owned(),
        port,
        hostname: hostname.to_owned(),
        protocol: config::listener::Protocol::Http.into(),
        ..Default::default()
    }))
}

fn backend(ip: &str) -> Option<resource::Kind> {
    let host = Some(endpoint::Host::Ip(ip.to_owned()));
    let list = StaticEndpoints { endpoints: vec![Endpoint { host, ..Default::default() }], ..Default::default() };
    let discovery = Some(config::backend::Discovery::Static(list));
    Some(resource::Kind::Backend(config::Backend { discovery, ..Default::default() }))
}

fn dynamic(max_hosts: u32) -> Option<resource::Kind> {
    let forward =
        DynamicForward { dns_cache: Some(DnsCache { max_hosts, ..Default::default() }), ..Default::default() };
    let discovery = Some(config::backend::Discovery::DynamicForward(forward));
    Some(resource::Kind::Backend(config::Backend { discovery, ..Default::default() }))
}

fn to(name: &str, port: u32, weight: u32) -> WeightedBackend {
    let target = Some(weighted_backend::Target::Backend(BackendRef { backend: name.to_owned(), port }));
    WeightedBackend { weight, target, ..Default::default() }
}

fn matched(path: path_match::Kind, precedence: u64) -> Match {
    Match { path: Some(PathMatch { kind: Some(path) }), precedence, ..Default::default() }
}

fn forwarding(path: &str, precedence: u64, backends: Vec<WeightedBackend>) -> Rule {
    Rule {
        matches: vec![matched(path_match::Kind::Prefix(path.to_owned()), precedence)],
        action: Some(rule::Action::Forward(Forward { backends, ..Default::default() })),
        ..Default::default()
    }
}

fn route(listener: &str, hostnames: &[&str], rules: Vec<Rule>) -> Option<resource::Kind> {
    let hostnames = hostnames.iter().map(|&name| name.to_owned()).collect();
    let attachments = vec![Attachment { listener: listener.to_owned(), hostnames }];
    Some(resource::Kind::Route(config::Route { attachments, rules, ..Default::default() }))
}

const LISTENER: &str = "listener/default/web/http";

fn serving() -> (View, Held) {
    let (mut view, mut held) = (View::new(Audience::Envoy, Options::default()), Held::default());
    let rules = vec![forwarding("/", 1, vec![to("backend/app", 80, 1)])];
    let changes = vec![
        (LISTENER, listener(8080, "")),
        ("backend/app", backend("10.0.0.1")),
        ("route/default/app", route(LISTENER, &["a.example"], rules)),
    ];
    let told = step(&mut view, &mut held, changes);
    assert_eq!(told, ["backend/app:80", "listener/127.0.0.1:8080", "routes/127.0.0.1:8080"]);
    (view, held)
}

impl Held {
    fn routes(&self, name: &str) -> routes::RouteConfiguration {
        routes::RouteConfiguration::decode(self.0[&(TypeUrl::Routes, name.into())].clone()).unwrap()
    }

    /// The routes of a domain of the socket at port 8080, as what they match and where they go.
    fn of(&self, domain: &str) -> Vec<String> {
        let all = self.routes("routes/127.0.0.1:8080").virtual_hosts;
        let host = all.into_iter().find(|host| host.domains == [domain]).unwrap();
        host.routes.iter().map(described).collect()
    }
}

fn described(route: &routes::Route) -> String {
    let condition = route.r#match.as_ref().unwrap();
    let path = match condition.path_specifier.as_ref().unwrap() {
        routes::route_match::PathSpecifier::Prefix(path)
        | routes::route_match::PathSpecifier::PathSeparatedPrefix(path) => path,
        other => panic!("{other:?}"),
    };
    let share = condition.runtime_fraction.as_ref().map(|share| share.default_value.unwrap().numerator);
    let to = match route.action.as_ref().unwrap() {
        routes::route::Action::Route(action) => match action.cluster_specifier.as_ref().unwrap() {
            routes::route_action::ClusterSpecifier::Cluster(name) => name.clone(),
            other => panic!("{other:?}"),
        },
        routes::route::Action::DirectResponse(answer) => answer.status.to_string(),
        other => panic!("{other:?}"),
    };
    format!("{path} {to}{}", share.map(|share| format!(" {share}")).unwrap_or_default())
}

#[test]
fn a_change_sends_what_it_changes() {
    let (mut view, mut held) = serving();
    assert_eq!(step(&mut view, &mut held, vec![("backend/app", backend("10.0.0.2"))]), ["backend/app:80"]);
    assert_eq!(step(&mut view, &mut held, vec![("backend/app", backend("10.0.0.2"))]), [""; 0]);
    let Some(resource::Kind::Backend(moved)) = backend("10.0.0.2") else { panic!("it is a backend") };
    let retries = Some(config::Retries { on: vec!["5xx".to_owned()], ..Default::default() });
    let retried = Some(resource::Kind::Backend(config::Backend { retries, ..moved }));
    assert_eq!(step(&mut view, &mut held, vec![("backend/app", retried)]), ["routes/127.0.0.1:8080"]);
    let other = vec![("listener/default/web/b", listener(8081, "")), ("backend/unused", backend("10.0.0.3"))];
    assert_eq!(step(&mut view, &mut held, other), ["listener/127.0.0.1:8081", "routes/127.0.0.1:8081"]);
    let gone = vec![("route/default/app", None), ("listener/default/web/b", None)];
    let told = step(&mut view, &mut held, gone);
    assert_eq!(
        told,
        ["-backend/app:80", "-listener/127.0.0.1:8081", "routes/127.0.0.1:8080", "-routes/127.0.0.1:8081"]
    );
}

#[test]
fn a_view_that_is_made_at_once_is_one_that_followed() {
    let (mut followed, mut one) = serving();
    let rules = vec![forwarding("/x", 1, vec![to("backend/any", 0, 1), to("backend/app", 81, 3)])];
    let last = vec![
        ("backend/any", dynamic(1)),
        ("route/default/more", route(LISTENER, &["*.example"], rules)),
        ("backend/app", backend("10.0.0.9")),
    ];
    step(&mut followed, &mut one, last.clone());
    let (mut made, mut other) = (View::new(Audience::Envoy, Options::default()), Held::default());
    let first = vec![forwarding("/", 1, vec![to("backend/app", 80, 1)])];
    let mut all = vec![(LISTENER, listener(8080, "")), ("route/default/app", route(LISTENER, &["a.example"], first))];
    all.extend(last);
    step(&mut made, &mut other, all);
    assert_eq!(one.0, other.0);
}

#[test]
fn a_name_has_the_rules_of_less_specific_names_after_its_own_and_a_listener_keeps_its_names() {
    let (mut view, mut held) = (View::new(Audience::Envoy, Options::default()), Held::default());
    let rule = |path: &str| vec![forwarding(path, 1, vec![to("backend/app", 80, 1)])];
    let changes = vec![
        ("listener/n/web/any", listener(8080, "")),
        ("listener/n/web/below", listener(8080, "*.b.example")),
        ("backend/app", backend("10.0.0.1")),
        ("route/n/exact", route("listener/n/web/any", &["a.example"], rule("/exact"))),
        ("route/n/wild", route("listener/n/web/any", &["*.example", "x.b.example"], rule("/wild"))),
        ("route/n/all", route("listener/n/web/any", &[], rule("/all"))),
        ("route/n/below", route("listener/n/web/below", &["x.b.example"], rule("/below"))),
    ];
    step(&mut view, &mut held, changes);
    let app = "backend/app:80";
    assert_eq!(held.of("a.example"), [format!("/exact {app}"), format!("/wild {app}"), format!("/all {app}")]);
    assert_eq!(held.of("*.example"), [format!("/wild {app}"), format!("/all {app}")]);
    assert_eq!(held.of("*"), [format!("/all {app}")]);
    assert_eq!(held.of("x.b.example"), [format!("/below {app}")]);
    assert_eq!(held.of("*.b.example"), [""; 0]);
}

#[test]
fn shares_are_what_those_before_have_left_and_what_is_not_there_is_answered() {
    let (mut view, mut held) = serving();
    let targets =
        vec![to("backend/app", 80, 1), to("backend/app", 81, 0), to("backend/gone", 80, 2), to("backend/app", 82, 1)];
    let rules = vec![forwarding("/", 1, targets)];
    step(&mut view, &mut held, vec![("route/default/app", route(LISTENER, &["a.example"], rules))]);
    assert_eq!(held.of("a.example"), ["/ backend/app:80 250000", "/ 500 750000", "/ backend/app:82"]);
    assert_eq!(
        step(&mut view, &mut held, vec![("backend/gone", backend("10.0.0.4"))]),
        ["backend/gone:80", "routes/127.0.0.1:8080"]
    );
}

#[test]
fn a_rule_that_envoy_cannot_have_is_answered_501_and_told() {
    let (mut view, mut held) = serving();
    let mut guarded = forwarding("/guarded", 3, vec![to("backend/app", 80, 1)]);
    guarded.guards = Some(config::Guards { cors: Some(config::Cors::default()), ..Default::default() });
    let echo = Rule {
        matches: vec![matched(path_match::Kind::Prefix("/echo".to_owned()), 2)],
        action: Some(rule::Action::Echo(config::Echo::default())),
        ..Default::default()
    };
    let odd = Rule {
        matches: vec![matched(path_match::Kind::Regex("/[a-z&&[^b]]".to_owned()), 1)],
        action: Some(rule::Action::Echo(config::Echo::default())),
        ..Default::default()
    };
    step(&mut view, &mut held, vec![("route/default/app", route(LISTENER, &["a.example"], vec![guarded, echo, odd]))]);
    assert_eq!(held.of("a.example"), ["/guarded 501", "/echo 501", "/ 501"]);
    let told: Vec<_> = view.omissions().iter().map(|one| (&*one.resource, &*one.field, one.severity)).collect();
    let fields = ["rules[0].guards", "rules[1]", "rules[2]", "rules[2].matches[0].path"];
    assert_eq!(told, fields.map(|field| ("route/default/app", field, Severity::LeftOut)));
}

#[test]
fn other_settings_of_a_cache_are_another_cache_and_those_before_stay_for_who_goes_by_them() {
    let (mut view, mut held) = serving();
    let rules = vec![forwarding("/", 1, vec![to("backend/any", 0, 1)])];
    let changes = vec![("backend/any", dynamic(1)), ("route/default/app", route(LISTENER, &["a.example"], rules))];
    let first = step(&mut view, &mut held, changes);
    let cluster = |told: &[String]| told.iter().find(|name| name.starts_with("backend/any@")).cloned().unwrap();
    let filters = |held: &Held| {
        let listener = &held.0[&(TypeUrl::Listener, Arc::from("listener/127.0.0.1:8080"))];
        let text = String::from_utf8_lossy(&listeners::Listener::decode(listener.clone()).unwrap().encode_to_vec())
            .into_owned();
        text.matches("backend/any@").count()
    };
    let one = filters(&held);
    let second = step(&mut view, &mut held, vec![("backend/any", dynamic(2))]);
    assert_ne!(cluster(&first), cluster(&second));
    assert!(!second.iter().any(|name| name.starts_with("-backend/any@")), "{second:?}");
    assert_eq!(filters(&held), 2 * one);
    let third = step(&mut view, &mut held, vec![("backend/any", dynamic(3))]);
    assert!(third.contains(&format!("-{}", cluster(&first))), "{third:?}");
}

#[test]
fn what_was_refused_is_traced_to_what_changed() {
    let (mut view, mut held) = serving();
    let rules = vec![forwarding("/more", 1, vec![to("backend/app", 80, 1)])];
    step(&mut view, &mut held, vec![("route/default/more", route(LISTENER, &["a.example"], rules))]);
    let causes: Vec<_> = view.causes(TypeUrl::Routes, "routes/127.0.0.1:8080").iter().map(|name| &**name).collect();
    assert_eq!(causes, ["route/default/more"]);
    let owners: Vec<_> = view.owners(TypeUrl::Routes, "routes/127.0.0.1:8080").iter().map(|name| &**name).collect();
    assert_eq!(owners, ["route/default/app", "route/default/more", LISTENER]);
}

/// Bytes of what an Envoy is sent again when one of so many routes changes, each of a host of its own.
fn sent_again(count: usize) -> usize {
    let (mut view, mut held) = (View::new(Audience::Envoy, Options::default()), Held::default());
    let of = |number: usize, path: &str| {
        let rules = vec![forwarding(path, 1, vec![to("backend/app", 80, 1)])];
        (format!("route/default/app-{number}"), route(LISTENER, &[&format!("host-{number}.example.com")], rules))
    };
    let routes: Vec<_> = (0..count).map(|number| of(number, "/")).collect();
    let routes = routes.iter().map(|(name, kind)| (name.as_str(), kind.clone()));
    let fleet = [(LISTENER, listener(8080, "")), ("backend/app", backend("10.0.0.1"))];
    step(&mut view, &mut held, fleet.into_iter().chain(routes).collect());
    let (name, changed) = of(count / 2, "/new");
    assert_eq!(step(&mut view, &mut held, vec![(&name, changed)]), ["routes/127.0.0.1:8080"]);
    held.0[&(TypeUrl::Routes, "routes/127.0.0.1:8080".into())].len()
}

#[test]
fn a_route_that_changes_brings_those_of_its_port_again() {
    let (few, many) = (sent_again(100), sent_again(1000));
    assert!((9 * few..11 * few).contains(&many), "{few} bytes of a hundred routes, and {many} of a thousand");
}

#[test]
fn virtual_hosts_that_are_sent_by_themselves_are_all_that_a_route_of_theirs_changes() {
    let (mut view, mut held) = (View::new(Audience::EnvoyVhds, Options::default()), Held::default());
    let rule = |path: &str| vec![forwarding(path, 1, vec![to("backend/app", 80, 1)])];
    let changes = vec![
        (LISTENER, listener(8080, "")),
        ("backend/app", backend("10.0.0.1")),
        ("route/default/one", route(LISTENER, &["one.example"], rule("/"))),
        ("route/default/two", route(LISTENER, &["two.example"], rule("/"))),
    ];
    let told = step(&mut view, &mut held, changes);
    let [any, one, two] = ["*", "one.example", "two.example"].map(|host| format!("routes/127.0.0.1:8080/{host}"));
    assert_eq!(told, ["backend/app:80", "listener/127.0.0.1:8080", "routes/127.0.0.1:8080", &one, &two, &any]);
    let table = held.routes("routes/127.0.0.1:8080");
    assert!(table.virtual_hosts.is_empty() && table.vhds.is_some());
    let host = routes::VirtualHost::decode(held.0[&(TypeUrl::VirtualHost, one.as_str().into())].clone()).unwrap();
    assert_eq!((&host.name, host.domains), (&one, vec!["one.example".to_owned()]));

    let changed = vec![("route/default/two", route(LISTENER, &["two.example"], rule("/more")))];
    assert_eq!(step(&mut view, &mut held, changed), [two.as_str()]);
    assert_eq!(view.causes(TypeUrl::VirtualHost, &two).to_vec(), ["route/default/two".into()]);
    assert_eq!(view.owners(TypeUrl::VirtualHost, &one).to_vec(), ["route/default/one".into(), LISTENER.into()]);
    assert_eq!(step(&mut view, &mut held, vec![("route/default/one", None)]), [format!("-{one}")]);
}
