use backstay_proto::config;
use backstay_proto::config::filter::Kind as Filter;
use backstay_proto::config::respond::InsteadOf;
use backstay_proto::config::rule::Action;
use backstay_proto::config::weighted_backend::Target;
use backstay_proto::config::{named_match, path_match, path_modifier};
use serde_json::{Value, json};

use super::{World, backend, backend_of, class, plain_gateway, route};

/// A world with Backends `a`, `b`, a dynamic one `any`, and a route with `rules`.
pub(super) fn placement(rules: Value) -> World {
    World::new([
        class(),
        plain_gateway("gw"),
        backend("a", "192.0.2.1"),
        backend("b", "192.0.2.2"),
        backend_of("any", json!({"dynamicProxy": {}})),
        route("r", "gw", rules),
    ])
}

pub(super) fn r() -> Value {
    route("r", "gw", json!([]))
}

pub(super) fn to(name: &str) -> Value {
    json!({"kind": "Backend", "name": name, "port": 8080})
}

fn compiled(rules: Value) -> Vec<config::Rule> {
    placement(rules).route("default", "route/infra/r").rules
}

fn first(rules: Value) -> config::Rule {
    compiled(rules).into_iter().next().expect("a rule")
}

pub(super) fn status_of(rule: &config::Rule) -> Option<u32> {
    match &rule.action {
        Some(Action::Respond(respond)) => Some(respond.status),
        _ => None,
    }
}

/// What an answer stands in place of.
pub(super) fn instead_of(rule: &config::Rule) -> InsteadOf {
    let Some(Action::Respond(respond)) = &rule.action else { panic!("{:?}", rule.action) };
    respond.instead_of()
}

/// Weights, each with where it goes.
fn shares(rule: &config::Rule) -> Vec<(u32, String)> {
    let Some(Action::Forward(forward)) = &rule.action else { panic!("{:?}", rule.action) };
    let share = |it: &config::WeightedBackend| match it.target.as_ref().unwrap() {
        Target::Backend(backend) => (it.weight, format!("{}:{}", backend.backend, backend.port)),
        Target::Respond(respond) => (it.weight, format!("{} {:?}", respond.status, respond.instead_of())),
    };
    forward.backends.iter().map(share).collect()
}

#[test]
fn a_rule_without_matches_matches_everything() {
    for rules in [json!([{"backendRefs": [to("a")]}]), json!([{"matches": [{}], "backendRefs": [to("a")]}])] {
        let rule = first(rules);
        assert_eq!(rule.matches.len(), 1);
        let path = rule.matches[0].path.clone().unwrap().kind;
        assert_eq!(path, Some(path_match::Kind::Prefix("/".to_owned())));
    }
}

#[test]
fn no_rules_and_no_backends_answer_500() {
    for rules in [json!([]), json!([{}]), json!([{"backendRefs": []}])] {
        let world = placement(rules);
        let rules = world.route("default", "route/infra/r").rules;
        assert_eq!(rules.iter().map(status_of).collect::<Vec<_>>(), [Some(500)]);
        assert_eq!(instead_of(&rules[0]), InsteadOf::NoBackend);
        assert_eq!(world.condition(&r(), "Accepted"), "True Accepted");
        assert_eq!(world.condition(&r(), "ResolvedRefs"), "True ResolvedRefs");
    }
}

#[test]
fn precedence_is_that_of_the_gateway_api() {
    let path = |kind: &str, value: &str| json!({"path": {"type": kind, "value": value}});
    let headers =
        |count: usize| (0..count).map(|it| json!({"name": format!("h{it}"), "value": "v"})).collect::<Vec<_>>();
    // From the first to win to the last.
    let matches = [
        path("Exact", "/foo/bar"),
        path("Exact", "/foo"),
        path("RegularExpression", "/foo/[a-z]+"),
        path("RegularExpression", "/.*"),
        path("PathPrefix", "/foo/bar"),
        json!({"path": {"value": "/foo"}, "method": "GET", "headers": headers(2)}),
        json!({"path": {"value": "/foo"}, "method": "GET"}),
        json!({"path": {"value": "/foo"}, "headers": headers(3)}),
        json!({"path": {"value": "/foo"}, "headers": headers(2), "queryParams": headers(2)}),
        json!({"path": {"value": "/foo"}, "headers": headers(2), "queryParams": headers(1)}),
        json!({"path": {"value": "/foo"}, "queryParams": headers(9)}),
        path("PathPrefix", "/foo"),
        json!({"method": "GET", "headers": headers(16), "queryParams": headers(16)}),
        json!({}),
    ];
    let rule = first(json!([{"matches": matches, "backendRefs": [to("a")]}]));
    let precedences: Vec<_> = rule.matches.iter().map(|it| it.precedence).collect();
    assert!(precedences.is_sorted_by(|one, other| one > other), "{precedences:?}");
}

#[test]
fn a_trailing_slash_of_a_prefix_means_nothing() {
    let prefix = |value: &str| {
        let matches = json!([{"path": {"type": "PathPrefix", "value": value}}]);
        first(json!([{"matches": matches, "backendRefs": [to("a")]}])).matches.remove(0)
    };
    assert_eq!(prefix("/foo/"), prefix("/foo"));
    assert_eq!(prefix("/"), prefix("//"));
    assert_ne!(prefix("/foo"), prefix("/"));
}

#[test]
fn matches_are_carried_over() {
    let rule = first(json!([{
        "name": "all-of-it",
        "matches": [{
            "path": {"type": "RegularExpression", "value": "/v[0-9]+"},
            "method": "POST",
            "headers": [
                {"name": "X-Color", "value": "blue"},
                {"name": "x-color", "value": "ignored"},
                {"type": "RegularExpression", "name": "Version", "value": "v.*"},
            ],
            "queryParams": [{"name": "Page", "value": "1"}, {"type": "RegularExpression", "name": "q", "value": ".+"}],
        }],
        "backendRefs": [to("a")],
    }]));
    assert_eq!(rule.name, "all-of-it");
    let only = &rule.matches[0];
    assert_eq!(only.path.as_ref().unwrap().kind, Some(path_match::Kind::Regex("/v[0-9]+".to_owned())));
    assert_eq!(only.method, "POST");
    let named = |it: &config::NamedMatch| match it.kind.as_ref().unwrap() {
        named_match::Kind::Exact(value) => format!("{} = {value}", it.name),
        named_match::Kind::Regex(value) => format!("{} ~ {value}", it.name),
    };
    assert_eq!(only.headers.iter().map(named).collect::<Vec<_>>(), ["x-color = blue", "version ~ v.*"]);
    assert_eq!(only.query.iter().map(named).collect::<Vec<_>>(), ["Page = 1", "q ~ .+"]);
}

#[test]
fn weights_are_kept_and_what_cannot_be_honoured_keeps_its_share() {
    let weighted = |mut reference: Value, weight: u32| {
        reference["weight"] = json!(weight);
        reference
    };
    let service = json!({"name": "a", "port": 80});
    let cases = [
        (json!([to("a")]), vec![(1, "backend/a:8080")], "True ResolvedRefs"),
        (
            json!([weighted(to("a"), 8), weighted(to("b"), 2)]),
            vec![(8, "backend/a:8080"), (2, "backend/b:8080")],
            "True ResolvedRefs",
        ),
        (
            json!([weighted(to("a"), 0), to("b")]),
            vec![(0, "backend/a:8080"), (1, "backend/b:8080")],
            "True ResolvedRefs",
        ),
        (
            json!([weighted(to("a"), 3), weighted(to("lost"), 1)]),
            vec![(3, "backend/a:8080"), (1, "500 UnresolvedBackend")],
            "False BackendNotFound",
        ),
        (
            json!([weighted(service, 9), to("a")]),
            vec![(9, "500 UnresolvedBackend"), (1, "backend/a:8080")],
            "False InvalidKind",
        ),
        (
            json!([{"kind": "Backend", "name": "a"}, to("b")]),
            vec![(1, "500 UnresolvedBackend"), (1, "backend/b:8080")],
            "False PortNotSpecified",
        ),
        (
            json!([{"kind": "Backend", "name": "a", "port": 65536}, to("b")]),
            vec![(1, "500 UnresolvedBackend"), (1, "backend/b:8080")],
            "False PortNotSpecified",
        ),
        (
            json!([{"kind": "Backend", "name": "any"}, to("a"), to("any")]),
            vec![(1, "backend/any:0"), (1, "backend/a:8080"), (1, "backend/any:8080")],
            "True ResolvedRefs",
        ),
        (
            json!([{"kind": "Backend", "group": "core.apoxy.dev", "name": "a", "namespace": "x", "port": 1}]),
            vec![(1, "backend/a:1")],
            "True ResolvedRefs",
        ),
        (
            json!([{"kind": "Backend", "group": "apps", "name": "a", "port": 1}, to("b")]),
            vec![(1, "500 UnresolvedBackend"), (1, "backend/b:8080")],
            "False InvalidKind",
        ),
    ];
    for (refs, expected, condition) in cases {
        let world = placement(json!([{"backendRefs": refs}]));
        let rule = world.route("default", "route/infra/r").rules.remove(0);
        let expected: Vec<_> = expected.into_iter().map(|(weight, target)| (weight, target.to_owned())).collect();
        assert_eq!(shares(&rule), expected, "{refs}");
        assert_eq!(world.condition(&r(), "ResolvedRefs"), condition, "{refs}");
        assert_eq!(world.condition(&r(), "Accepted"), "True Accepted");
    }
}

#[test]
fn nothing_to_send_to_answers_500_for_all() {
    let cases = [
        (json!([to("lost")]), "False BackendNotFound"),
        (json!([{"name": "svc", "port": 80}]), "False InvalidKind"),
        (json!([{"kind": "Backend", "name": "a", "port": 8080, "weight": 0}]), "True ResolvedRefs"),
        (json!([to("lost"), {"kind": "Backend", "name": "a", "port": 8080, "weight": 0}]), "False BackendNotFound"),
    ];
    for (refs, condition) in cases {
        let world = placement(json!([{"backendRefs": refs}]));
        let rule = &world.route("default", "route/infra/r").rules[0];
        assert_eq!(status_of(rule), Some(500), "{refs}");
        let resolved = condition.starts_with("True");
        let expected = if resolved { InsteadOf::NoBackend } else { InsteadOf::UnresolvedBackend };
        assert_eq!(instead_of(rule), expected, "{refs}");
        assert_eq!(world.condition(&r(), "ResolvedRefs"), condition);
        assert_eq!(world.names("default"), ["listener/infra/gw/http", "route/infra/r"]);
    }
}

#[test]
fn the_first_reason_stands_and_the_message_names_all() {
    let world = placement(json!([
        {"backendRefs": [to("lost"), to("a")]},
        {"backendRefs": [{"name": "svc", "port": 80}]},
    ]));
    assert_eq!(world.condition(&r(), "ResolvedRefs"), "False BackendNotFound");
    let message = world.message(&r(), "ResolvedRefs");
    assert!(message.contains("rules[0].backendRefs[0]: Backend lost does not exist"), "{message}");
    assert!(message.contains("rules[1].backendRefs[0]: kind Service"), "{message}");
}

#[test]
fn filters_are_carried_over() {
    let modifier = json!({
        "set": [{"name": "X-Set", "value": "1"}], "add": [{"name": "X-Add", "value": "2"}], "remove": ["X-Gone"],
    });
    let rule = first(json!([{
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": modifier},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": modifier},
            {"type": "URLRewrite", "urlRewrite": {"hostname": "New.example.com",
                "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new/"}}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": to("b"), "percent": 10}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": to("b"), "fraction": {"numerator": 1}}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": to("b")}},
        ],
        "backendRefs": [to("a")],
    }]));
    let kinds: Vec<_> = rule.filters.into_iter().map(|it| it.kind.unwrap()).collect();
    let header = |name: &str, value: &str| config::Header { name: name.to_owned(), value: value.to_owned() };
    let modifier = config::HeaderModifier {
        set: vec![header("x-set", "1")],
        add: vec![header("x-add", "2")],
        remove: vec!["x-gone".to_owned()],
    };
    let path = config::PathModifier { kind: Some(path_modifier::Kind::ReplacePrefix("/new".to_owned())) };
    let mirror = |numerator, denominator| {
        let backend = Some(config::BackendRef { backend: "backend/b".to_owned(), port: 8080 });
        Filter::Mirror(config::Mirror { backend, numerator, denominator })
    };
    let expected = [
        Filter::RequestHeaders(modifier.clone()),
        Filter::ResponseHeaders(modifier),
        Filter::UrlRewrite(config::UrlRewrite { hostname: "new.example.com".to_owned(), path: Some(path) }),
        mirror(10, 100),
        mirror(1, 100),
        mirror(1, 1),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn filters_of_a_reference_are_its_own() {
    let set = |name: &str| json!([{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [name]}}]);
    let mut a = to("a");
    a["filters"] = set("X-A");
    let rule = first(json!([{"backendRefs": [a, to("b")]}]));
    let Some(Action::Forward(forward)) = rule.action else { panic!("not forwarded") };
    let counts: Vec<_> = forward.backends.iter().map(|it| it.filters.len()).collect();
    assert_eq!(counts, [1, 0]);
    assert!(rule.filters.is_empty());
}

#[test]
fn a_mirror_counts_as_use_and_a_lost_one_is_dropped() {
    let mirror = |name: &str| json!([{"type": "RequestMirror", "requestMirror": {"backendRef": to(name)}}]);
    let world = placement(json!([{"filters": mirror("b"), "backendRefs": [to("a")]}]));
    assert_eq!(world.names("default")[..2], ["backend/a", "backend/b"]);

    let world = placement(json!([{"filters": mirror("lost"), "backendRefs": [to("a")]}]));
    assert_eq!(world.condition(&r(), "ResolvedRefs"), "False BackendNotFound");
    let rule = world.route("default", "route/infra/r").rules.remove(0);
    assert!(rule.filters.is_empty());
    assert_eq!(shares(&rule), [(1, "backend/a:8080".to_owned())]);
}

#[test]
fn redirects() {
    let redirect = |settings: Value| {
        let filters = json!([{"type": "RequestRedirect", "requestRedirect": settings}]);
        match first(json!([{"filters": filters}])).action {
            Some(Action::Redirect(redirect)) => redirect,
            other => panic!("{other:?}"),
        }
    };
    let base = config::Redirect { status: 302, ..Default::default() };
    assert_eq!(redirect(json!({})), base);
    let host = config::Redirect { hostname: "example.org".to_owned(), status: 301, ..base.clone() };
    assert_eq!(redirect(json!({"hostname": "example.org", "statusCode": 301})), host);
    for status in [303, 307, 308] {
        assert_eq!(redirect(json!({"statusCode": status})).status, status);
    }
    let secure = config::Redirect { scheme: "https".to_owned(), port: 8443, ..base };
    assert_eq!(redirect(json!({"scheme": "https", "port": 8443})), secure);
    let full = config::PathModifier { kind: Some(path_modifier::Kind::ReplaceFull("/all".to_owned())) };
    let settings = json!({"path": {"type": "ReplaceFullPath", "replaceFullPath": "/all"}});
    assert_eq!(redirect(settings).path, Some(full));
    for (written, meant) in [("/p", "/p"), ("/p/", "/p"), ("/", "/"), ("", "/")] {
        let settings = json!({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": written}});
        let prefix = config::PathModifier { kind: Some(path_modifier::Kind::ReplacePrefix(meant.to_owned())) };
        assert_eq!(redirect(settings).path, Some(prefix));
    }
}

#[test]
fn timeouts_are_carried_over() {
    let rule = first(json!([{"backendRefs": [to("a")], "timeouts": {"request": "1m", "backendRequest": "500ms"}}]));
    let Some(Action::Forward(forward)) = rule.action else { panic!("not forwarded") };
    assert_eq!(forward.request_timeout, Some(prost_types::Duration { seconds: 60, nanos: 0 }));
    assert_eq!(forward.backend_request_timeout, Some(prost_types::Duration { seconds: 0, nanos: 500_000_000 }));
    let rule = first(json!([{"backendRefs": [to("a")], "timeouts": {"request": "0s", "backendRequest": "5s"}}]));
    assert_eq!(status_of(&rule), None);
}

#[test]
fn a_port_of_a_reference_to_a_dynamic_backend_overrides_the_requests() {
    for (port, compiled) in [(json!(8443), 8443), (json!(null), 0)] {
        let reference = json!({"kind": "Backend", "name": "any", "port": port});
        let filters = json!([{"type": "RequestMirror", "requestMirror": {"backendRef": reference}}]);
        let rule = first(json!([{"filters": filters, "backendRefs": [reference]}]));
        assert_eq!(shares(&rule), [(1, format!("backend/any:{compiled}"))]);
        let Some(Filter::Mirror(mirror)) = &rule.filters[0].kind else { panic!("{rule:?}") };
        assert_eq!(mirror.backend.as_ref().unwrap().port, compiled);
    }
    let world = placement(json!([{"backendRefs": [{"kind": "Backend", "name": "any", "port": 70_000}]}]));
    assert_eq!(world.condition(&r(), "ResolvedRefs"), "False PortNotSpecified");
}
