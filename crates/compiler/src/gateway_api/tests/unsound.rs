//! Rules that cannot be honoured: said, answered with 500, and without effect on others.

use backstay_proto::config::respond::InsteadOf;
use serde_json::{Value, json};

use super::plain_gateway;
use super::rules::{instead_of, placement, r, status_of, to};

/// Rules that cannot be honoured, and what is said about them.
fn bad_rules() -> Vec<(Value, &'static str, &'static str)> {
    let filter = |filter: Value| json!({"filters": [filter], "backendRefs": [to("a")]});
    let twice = json!({"type": "URLRewrite", "urlRewrite": {}});
    let redirect = |settings: Value| json!({"filters": [{"type": "RequestRedirect", "requestRedirect": settings}]});
    let header = |name: &str, value: &str| {
        let set = json!([{"name": name, "value": value}]);
        filter(json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": set}}))
    };
    let rewrite = |kind: &str, field: &str, path: &str| {
        let path = json!({"type": kind, field: path});
        filter(json!({"type": "URLRewrite", "urlRewrite": {"path": path}}))
    };
    let mirror = |share: Value| {
        let mut settings = json!({"backendRef": to("b")});
        settings.as_object_mut().unwrap().extend(share.as_object().unwrap().clone());
        filter(json!({"type": "RequestMirror", "requestMirror": settings}))
    };
    let mut own_redirect = to("a");
    own_redirect["filters"] = json!([{"type": "RequestRedirect", "requestRedirect": {}}]);
    let reference = json!({"group": "extensions.apoxy.dev", "kind": "EdgeFunction", "name": "f"});
    let prefix = json!({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}});
    let both = json!([{"type": "RequestRedirect", "requestRedirect": {}}, twice]);
    vec![
        (filter(json!({"type": "ExtensionRef", "extensionRef": reference})), "UnsupportedValue", "ExtensionRef"),
        (filter(json!({"type": "ExternalAuth"})), "UnsupportedValue", "ExternalAuth"),
        (filter(json!({"type": "CORS"})), "UnsupportedValue", "lacks its settings"),
        (
            filter(json!({"type": "CORS", "cors": {"allowOrigins": ["https://*.*"]}})),
            "UnsupportedValue",
            "is not an origin",
        ),
        (filter(json!({"type": "CORS", "cors": {"allowMethods": ["A B"]}})), "UnsupportedValue", "is not a method"),
        (
            filter(json!({"type": "CORS", "cors": {"allowHeaders": ["a b"]}})),
            "UnsupportedValue",
            "is not a header name",
        ),
        (filter(json!({"type": "URLRewrite"})), "UnsupportedValue", "lacks its settings"),
        (json!({"filters": [twice, twice], "backendRefs": [to("a")]}), "UnsupportedValue", "twice"),
        (json!({"filters": both}), "IncompatibleFilters", "cannot be combined"),
        (filter(json!({"type": "RequestRedirect", "requestRedirect": {}})), "UnsupportedValue", "backendRefs"),
        (json!({"backendRefs": [own_redirect]}), "UnsupportedValue", "not supported on a backendRef"),
        (redirect(json!({"scheme": "ftp"})), "UnsupportedValue", "ftp"),
        (redirect(json!({"statusCode": 304})), "UnsupportedValue", "304"),
        (redirect(json!({"port": 0})), "UnsupportedValue", "port 0"),
        (header("x y", "1"), "UnsupportedValue", "is not a header name"),
        (header("", "1"), "UnsupportedValue", "is not a header name"),
        (header("x", "1\r\nx-evil: 2"), "UnsupportedValue", "characters that a header cannot carry"),
        (header("x", "\u{7f}"), "UnsupportedValue", "characters that a header cannot carry"),
        (header("Transfer-Encoding", "chunked"), "UnsupportedValue", "belongs to the connection"),
        (header("CDN-Loop", "me"), "UnsupportedValue", "ends circles of requests"),
        (rewrite("ReplaceFullPath", "replaceFullPath", "no-slash"), "UnsupportedValue", "must begin with /"),
        (rewrite("ReplaceFullPath", "replaceFullPath", "/a?b"), "UnsupportedValue", "must begin with /"),
        (rewrite("ReplacePrefixMatch", "replacePrefixMatch", "/a b"), "UnsupportedValue", "must begin with /"),
        (mirror(json!({"percent": 101})), "UnsupportedValue", "101/100"),
        (mirror(json!({"percent": 1, "fraction": {"numerator": 1}})), "UnsupportedValue", "both"),
        (mirror(json!({"fraction": {"numerator": 0, "denominator": 0}})), "UnsupportedValue", "0/0"),
        (
            json!({"matches": [{"path": {"type": "Exact", "value": "/a"}}], "backendRefs": [to("a")],
                "filters": [{"type": "URLRewrite", "urlRewrite": prefix}]}),
            "UnsupportedValue",
            "PathPrefix",
        ),
        (
            json!({"backendRefs": [to("a")], "timeouts": {"request": "1s", "backendRequest": "2s"}}),
            "UnsupportedValue",
            "timeouts.backendRequest",
        ),
        (
            json!({"backendRefs": [{"kind": "Backend", "name": "a", "port": 1, "weight": -1}]}),
            "UnsupportedValue",
            "weight",
        ),
    ]
}

#[test]
fn a_rule_that_cannot_be_honoured_answers_500() {
    for (rule, reason, expected) in bad_rules() {
        let world = placement(json!([rule]));
        assert_eq!(world.condition(&r(), "Accepted"), format!("False {reason}"), "{rule}");
        let message = world.message(&r(), "Accepted");
        assert!(message.contains(expected), "{message}");
        let rules = world.route("default", "route/infra/r").rules;
        assert_eq!(rules.iter().map(status_of).collect::<Vec<_>>(), [Some(500)]);
        assert_eq!(instead_of(&rules[0]), InsteadOf::RefusedRule);
        assert!(rules[0].filters.is_empty());
        assert_eq!(world.listener_report(&plain_gateway("gw"), "http").attached_routes, 0);
    }
}

#[test]
fn other_rules_of_the_route_are_served() {
    for (rule, reason, _) in bad_rules() {
        let world = placement(json!([{"backendRefs": [to("b")]}, rule]));
        assert_eq!(world.condition(&r(), "Accepted"), "True Accepted");
        assert_eq!(world.condition(&r(), "PartiallyInvalid"), format!("True {reason}"), "{rule}");
        assert!(world.message(&r(), "PartiallyInvalid").starts_with("Dropped Rule: rules[1] "));
        let rules = world.route("default", "route/infra/r").rules;
        assert_eq!(rules.iter().map(status_of).collect::<Vec<_>>(), [None, Some(500)]);
        assert_eq!(world.listener_report(&plain_gateway("gw"), "http").attached_routes, 1);
    }
    let world = placement(json!([{"backendRefs": [to("b")]}]));
    assert_eq!(world.condition(&r(), "PartiallyInvalid"), "absent");
}

#[test]
fn a_match_that_cannot_be_honoured_matches_nothing() {
    let matches = [
        json!({"path": {"type": "RegularExpression", "value": "/(a"}}),
        json!({"path": {"type": "RegularExpression", "value": "/a)|(?:/b"}}),
        json!({"path": {"type": "RegularExpression", "value": "(a{1000}){1000}"}}),
        json!({"path": {"type": "Exact", "value": "foo"}}),
        json!({"path": {"type": "PathPrefix", "value": ""}}),
        json!({"method": "BREW"}),
        json!({"headers": [{"name": "", "value": "a"}]}),
        json!({"headers": [{"name": "a b", "value": "a"}]}),
        json!({"queryParams": [{"name": "", "value": "a"}]}),
        json!({"headers": [{"type": "RegularExpression", "name": "x", "value": "["}]}),
        json!({"queryParams": [{"type": "RegularExpression", "name": "q", "value": "*"}]}),
    ];
    for bad in matches {
        let rule = json!({"matches": [bad], "backendRefs": [to("a")]});
        let world = placement(json!([rule]));
        assert_eq!(world.condition(&r(), "Accepted"), "False UnsupportedValue", "{bad}");
        assert!(world.route("default", "route/infra/r").rules.is_empty());
        assert!(!world.names("default").contains(&"backend/a"));

        let rule = json!({"matches": [bad, {"path": {"value": "/good"}}], "backendRefs": [to("a")]});
        let world = placement(json!([rule]));
        assert_eq!(world.condition(&r(), "Accepted"), "True Accepted");
        assert_eq!(world.condition(&r(), "PartiallyInvalid"), "True UnsupportedValue");
        assert_eq!(world.route("default", "route/infra/r").rules[0].matches.len(), 1);
    }
}
