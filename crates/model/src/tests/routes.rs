use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_proto::config::{
    Attachment, BackendRef, Filter, Forward, Header, HeaderModifier, Match, Mirror, NamedMatch, PathMatch,
    PathModifier, Redirect, Respond, Route, Rule, UrlRewrite, WeightedBackend, filter, named_match, path_match,
    path_modifier, rule, weighted_backend,
};

use super::fields;
use crate::sequence::Resolver;
use crate::{Action, HostPattern, Target};

fn prefix(text: &str) -> Match {
    let kind = Some(path_match::Kind::Prefix(text.into()));
    Match { path: Some(PathMatch { kind }), ..Match::default() }
}

fn respond(status: u32) -> rule::Action {
    rule::Action::Respond(Respond { status, body: "x".into(), ..Respond::default() })
}

fn with(rule: Rule) -> Route {
    let attachment = Attachment { listener: "listener/n/g/l".into(), hostnames: vec![] };
    Route { attachments: vec![attachment], rules: vec![rule], order_key: "1".into(), ..Route::default() }
}

fn answering(rule: Rule) -> Route {
    let action = rule.action.or_else(|| Some(respond(200)));
    with(Rule {
        matches: if rule.matches.is_empty() { vec![prefix("/")] } else { rule.matches },
        action,
        filters: rule.filters,
        ..Rule::default()
    })
}

fn acting(action: rule::Action) -> Route {
    answering(Rule { action: Some(action), ..Rule::default() })
}

fn filtering(kind: filter::Kind) -> Route {
    answering(Rule { filters: vec![Filter { kind: Some(kind) }], ..Rule::default() })
}

fn matching(matched: Match) -> Route {
    answering(Rule { matches: vec![matched], ..Rule::default() })
}

fn reference(backend: &str, port: u32) -> BackendRef {
    BackendRef { backend: backend.into(), port }
}

fn forward(target: Option<weighted_backend::Target>) -> Route {
    let backends = vec![WeightedBackend { weight: 1, target, filters: vec![] }];
    acting(rule::Action::Forward(Forward { backends, ..Forward::default() }))
}

fn set_header(name: &str, value: &str) -> filter::Kind {
    let header = Header { name: name.into(), value: value.into() };
    filter::Kind::RequestHeaders(HeaderModifier { set: vec![header], ..HeaderModifier::default() })
}

fn replace(kind: path_modifier::Kind) -> filter::Kind {
    filter::Kind::UrlRewrite(UrlRewrite { hostname: String::new(), path: Some(PathModifier { kind: Some(kind) }) })
}

#[test]
fn routes_name_the_field_at_fault() {
    let header = |kind| Match { headers: vec![NamedMatch { name: "x-a".into(), kind }], ..prefix("/") };
    let path = |kind| Match { path: Some(PathMatch { kind }), ..Match::default() };
    let redirect = |redirect| acting(rule::Action::Redirect(redirect));
    let mirror = |numerator, denominator| {
        filter::Kind::Mirror(Mirror { backend: Some(reference("backend/a", 1)), numerator, denominator })
    };
    for (message, field) in [
        (Route { attachments: vec![Attachment::default()], ..Route::default() }, "attachments[0].listener"),
        (
            Route {
                attachments: vec![Attachment {
                    hostnames: vec!["ok".into(), "a b".into()],
                    listener: "listener/a".into(),
                }],
                ..Route::default()
            },
            "attachments[0].hostnames[1]",
        ),
        (with(Rule { action: Some(respond(200)), ..Rule::default() }), "rules[0].matches"),
        (with(Rule { matches: vec![prefix("/")], ..Rule::default() }), "rules[0].action"),
        (acting(respond(199)), "rules[0].respond.status"),
        (acting(respond(600)), "rules[0].respond.status"),
        (matching(prefix("a")), "rules[0].matches[0].path.prefix"),
        (matching(path(Some(path_match::Kind::Exact(String::new())))), "rules[0].matches[0].path.exact"),
        (matching(path(Some(path_match::Kind::Regex("(".into())))), "rules[0].matches[0].path.regex"),
        (matching(path(None)), "rules[0].matches[0].path"),
        (matching(Match { method: "GE T".into(), ..prefix("/") }), "rules[0].matches[0].method"),
        (matching(header(None)), "rules[0].matches[0].headers[0]"),
        (matching(header(Some(named_match::Kind::Regex("[".into())))), "rules[0].matches[0].headers[0].regex"),
        (answering(Rule { filters: vec![Filter::default()], ..Rule::default() }), "rules[0].filters[0]"),
        (filtering(set_header("a b", "x")), "rules[0].filters[0].request_headers.set[0].name"),
        (filtering(set_header("x", "a\nb")), "rules[0].filters[0].request_headers.set[0].value"),
        (filtering(set_header("Transfer-Encoding", "chunked")), "rules[0].filters[0].request_headers.set[0].name"),
        (filtering(set_header("CDN-Loop", "me")), "rules[0].filters[0].request_headers.set[0].name"),
        (
            filtering(replace(path_modifier::Kind::ReplaceFull("/a?b".into()))),
            "rules[0].filters[0].url_rewrite.path.replace_full",
        ),
        (
            filtering(replace(path_modifier::Kind::ReplacePrefix("a".into()))),
            "rules[0].filters[0].url_rewrite.path.replace_prefix",
        ),
        (filtering(mirror(1, 0)), "rules[0].filters[0].mirror.denominator"),
        (filtering(mirror(2, 1)), "rules[0].filters[0].mirror.numerator"),
        (forward(None), "rules[0].forward.backends[0].target"),
        (
            forward(Some(weighted_backend::Target::Backend(reference("service/a", 1)))),
            "rules[0].forward.backends[0].backend.backend",
        ),
        (
            forward(Some(weighted_backend::Target::Backend(reference("backend/a", 65_536)))),
            "rules[0].forward.backends[0].backend.port",
        ),
        (redirect(Redirect { status: 304, ..Redirect::default() }), "rules[0].redirect.status"),
        (redirect(Redirect { status: 302, scheme: "ftp".into(), ..Redirect::default() }), "rules[0].redirect.scheme"),
        (
            redirect(Redirect { status: 302, hostname: "*.x".into(), ..Redirect::default() }),
            "rules[0].redirect.hostname",
        ),
    ] {
        let faults = crate::Route::try_from(&message).unwrap_err();
        assert!(faults.iter().all(|fault| !fault.message.is_empty()));
        assert_eq!(fields::<()>(Err(faults)), [field], "{message:?}");
    }
}

#[test]
fn a_reference_that_leads_nowhere_answers_500() {
    for (port, there, reached) in [(80, true, true), (80, false, false), (0, true, false)] {
        let message = forward(Some(weighted_backend::Target::Backend(reference("backend/a", port))));
        let route = crate::Route::try_from(&message).unwrap();
        let backend = |name: &str, port: Option<std::num::NonZeroU16>| {
            (there && name == "backend/a" && port.is_some()).then_some("the backend")
        };
        let found = Resolver { backend: &backend, table: &|_| None, address_set: &|_| None };
        let joined = route.rules[0].action.join(&found);
        let Action::Forward(forward) = joined else { panic!() };
        match &forward.targets.all()[0].target {
            Target::Backend { backend, .. } => assert!(reached && *backend == "the backend"),
            Target::Respond(answer) => assert!(!reached && answer.status == 500),
        }
        assert_eq!(route.backends(), BTreeSet::from(["backend/a".into()]));
        assert_eq!(route.port_of("backend/a").map_or(0, |port| u32::from(port.get())), port);
        assert_eq!(route.port_of("backend/b"), None);
    }
}

#[test]
fn a_copy_that_leads_nowhere_is_left_out() {
    let mirror = Mirror { backend: Some(reference("backend/copy", 1)), numerator: 1, denominator: 2 };
    let route = crate::Route::try_from(&filtering(filter::Kind::Mirror(mirror))).unwrap();
    assert_eq!(route.backends(), BTreeSet::from(["backend/copy".into()]));
    let filters = &route.rules[0].filters;
    assert!(filters.join::<()>(&|_, _| None).mirrors.is_empty());
    let joined = filters.join(&|name, port| Some((Arc::<str>::from(name), port.map(|port| port.get()))));
    assert_eq!(joined.mirrors[0].backend, ("backend/copy".into(), Some(1)));
}

/// What a table is filled with, for the listener that is asked about alone.
#[test]
fn a_route_has_candidates_for_each_host_and_match_on_its_listeners() {
    let attachment = |listener: &str, hosts: &[&str]| Attachment {
        listener: listener.into(),
        hostnames: hosts.iter().map(|host| (*host).to_owned()).collect(),
    };
    let rule = |precedence| Rule {
        matches: vec![Match { precedence, ..prefix("/") }, prefix("/b")],
        action: Some(respond(200)),
        ..Rule::default()
    };
    let message = Route {
        attachments: vec![
            attachment("listener/n/g/l", &["a.example", "*.b.example"]),
            attachment("listener/n/g/m", &[]),
        ],
        rules: vec![rule(7), rule(9)],
        order_key: "key".into(),
        ..Route::default()
    };
    let route = crate::Route::try_from(&message).unwrap();
    let hosts = HostPattern::Any;
    let found: Vec<_> = route.candidates("listener/n/g/l", &hosts, Some).collect();
    let seen: Vec<_> = found
        .iter()
        .map(|one| (one.host.to_string(), one.rule, one.order.rule, one.order.position, one.order.precedence.0))
        .collect();
    let expected = ["a.example", "*.b.example"].iter().flat_map(|host| {
        [(0, 0, 7), (0, 1, 0), (1, 0, 9), (1, 1, 0)]
            .map(|(rule, position, precedence)| (host.to_string(), rule as usize, rule, position, precedence))
    });
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert!(found.iter().all(|one| &*one.order.route == "key" && one.listener == HostPattern::Any));
    let other: Vec<_> = route.candidates("listener/n/g/m", &hosts, Some).collect();
    assert_eq!((other.len(), &other[0].host), (4, &HostPattern::Any));
    assert_eq!(route.candidates("listener/n/g/x", &hosts, Some).count(), 0);
}
